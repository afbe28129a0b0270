#!/bin/sh
# A fake `claviger daemon --detached`. It inherits no variable of the test's: the file `fake-dir`
# beside it names the test's directory, where it leaves notes, and the file `fake` its behaviour.
FAKE_DIR=$(cat "${0%/*}/fake-dir")
FAKE=$(cat "$FAKE_DIR/fake")
echo "$*" >>"$FAKE_DIR/started"
if [ "$FAKE" = "listen at last" ]; then
    [ "$(wc -l <"$FAKE_DIR/started")" -gt 1 ] || kill -9 $$
    FAKE=listen
fi
case $FAKE in
    listen)
        env >"$FAKE_DIR/env"
        pwd >"$FAKE_DIR/cwd"
        ls -l "/proc/$$/fd" >"$FAKE_DIR/fds"
        umask >"$FAKE_DIR/umask"
        echo "$$ $(cut -d ' ' -f 6 "/proc/$$/stat")" >"$FAKE_DIR/session"
        # The test listens instead.
        while [ -d "$FAKE_DIR" ] && ! [ -e "$FAKE_DIR/listening" ]; do sleep 0.01; done
        echo ok
        cat "$FAKE_DIR/reported" 2>/dev/null
        exec >&-
        while [ -d "$FAKE_DIR" ] && ! [ -e "$FAKE_DIR/end" ]; do sleep 0.01; done
        touch "$FAKE_DIR/ended"
        ;;
    lie) echo ok ;;
    error) printf "error 2\nno profile in '/etc/claviger/config.toml'\nadd [profile.default]\n" ;;
    nothing) ;;
    # Until the test has removed its directory.
    stall) while [ -d "$FAKE_DIR" ]; do sleep 0.05; done ;;
esac

#!/bin/bash
# Removes Claviger from this Mac: the installer of macOS cannot.
#
#     sudo /usr/local/share/claviger/uninstall.sh [ROOT]
#
# ROOT is another directory than /, for tests. It ends every user's daemon, removes what the
# installer has installed, and prints what it leaves.
set -euo pipefail

readonly LABEL=com.claviger.daemon
root=${1:-}
root=${root%/}

if ((EUID != 0)); then
    echo "claviger: permission denied: removal needs root." >&2
    echo "hint: run it with sudo" >&2
    exit 7
fi

users=$(ps -axo uid=,comm= | awk '$2 ~ /\/loginwindow$/ && $1 != 0 { print $1 }' | sort -un)
for user in $users; do
    launchctl bootout "gui/$user/$LABEL" 2>/dev/null || true
done
# Before the program is gone.
"$root/usr/local/bin/claviger" stop --all-users || true

prefix=$root/usr/local
rm -f "$root/Library/LaunchAgents/$LABEL.plist" \
    "$prefix"/bin/claviger{,-helper,-helper-desktop} \
    "$prefix"/share/man/man1/claviger{,-*}.1 \
    "$prefix/share/bash-completion/completions/claviger" \
    "$prefix/share/zsh/site-functions/_claviger" \
    "$prefix/share/fish/vendor_completions.d/claviger.fish"
rm -rf "$prefix/share/doc/claviger" "$prefix/share/claviger"
pkgutil --forget com.claviger.pkg >/dev/null 2>&1 || true

configuration="$root/Library/Application Support/Claviger"
rmdir "$configuration" 2>/dev/null || true
if [[ -d $configuration ]]; then
    echo "left: '$configuration', the managed configuration"
fi
echo "left: Library/Application Support/Claviger, Library/Logs/Claviger and Library/Caches/Claviger in each home"
echo "left: logins in the Keychain of each user who has not run claviger logout --all before"

#!/usr/bin/env bash
# Installs Claviger's managed configuration, on Linux and macOS, as root: for Jamf, another MDM, or
# a shell. It can run any number of times, and changes nothing if the configuration is in place.
#
# Exit codes: 0 the configuration is in place, 1 it is not, 2 this is not root.
set -euo pipefail
umask 022

if [ "$(id -u)" -ne 0 ]; then
    echo "claviger: root is required to install the managed configuration." >&2
    exit 2
fi
case $(uname -s) in
    Darwin) directory="/Library/Application Support/Claviger" ;;
    *) directory=/etc/claviger ;;
esac
file=$directory/config.toml
if [ -d "$file" ]; then
    echo "claviger: '$file' is a directory." >&2
    exit 1
fi

mkdir -p "$directory"
chown 0:0 "$directory"
chmod 755 "$directory"
# In the same directory, because only a rename replaces the file at once.
new=$(mktemp "$directory/.config.toml.XXXXXX")
trap 'rm -f "$new"' EXIT
cat >"$new" <<'CLAVIGER_CONFIGURATION'
@CONFIGURATION@
CLAVIGER_CONFIGURATION
chown 0:0 "$new"
chmod 644 "$new"

if [ -f "$file" ] && [ ! -L "$file" ] && cmp -s "$new" "$file"; then
    chown 0:0 "$file"
    chmod 644 "$file"
    echo "$file is in place"
    exit 0
fi
if [ -f "$file" ]; then
    cp -p "$file" "$directory/config.toml.backup"
fi
mv -f "$new" "$file"
echo "installed $file"

# What the scripts of this folder share. Source it; it is not a program.

# Vault's command line, or OpenBao's, which takes the same arguments.
vault() {
    "$vault" "$@"
}

find_vault() {
    local name
    for name in ${VAULT:-vault bao}; do
        if vault=$(type -P "$name"); then
            return
        fi
    done
    fail "'vault' not found; install Vault's or OpenBao's command line, or name it in VAULT"
}

# list PATH: prints what is at a path, one entry a line; nothing if there is none. A list that cannot
# be read ends the script.
list() {
    local answer
    answer=$(vault list -format=json "$1") || [[ $answer == '{}' ]] || fail "$1 cannot be listed"
    tr -d ' ",[]{}' <<<"$answer" | sed '/^$/d'
}

fail() {
    echo "${0##*/}: $1" >&2
    exit 1
}

usage() {
    echo "${0##*/}: $1" >&2
    help >&2
    exit 2
}

# Prints the comment at the top of the script.
help() {
    awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"
}

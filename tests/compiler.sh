# A compiler for other systems than this one, for tests/cross and packaging/linux/programs, which read
# this file at the top of the checkout.
# shellcheck shell=bash

# Puts a compiler on PATH that has the standard library of every system, or can build it with the
# options `build_std`.
#
#     find_compiler TARGET
find_compiler() {
    build_std=()
    # Other distributions lack the package.
    if grep -qx 'ID=debian' /etc/os-release; then
        tests/tools rustc-web
        PATH=$PWD/target/tools/bin:$PATH
        # Allows `-Z` with a compiler that is not a nightly one.
        export RUSTC_BOOTSTRAP=1
        build_std=("-Zbuild-std=std,panic_abort")
    else
        command -v rustup >/dev/null || {
            echo "rustup was not found: install it from https://rustup.rs" >&2
            return 1
        }
        rustup --quiet target add "$1"
    fi
}

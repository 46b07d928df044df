# shellcheck shell=bash
# Sourced after progress.sh: what cargo itself needs on a bare machine.

need_toolchain() {
    if ! have cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH=$HOME/.cargo/bin:$PATH
        export PATH
    fi
    have cargo || die "cargo is not here: install Rust 1.95 or newer"
    # The linker, and the C compiler of the cryptography library.
    have cc || install_packages gcc libc6-dev || die "a C compiler is needed (package gcc)"
}

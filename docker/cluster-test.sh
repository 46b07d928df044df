#!/usr/bin/env bash
# `make cluster-test`: the whole stack under load, and everything that can go wrong with it one after the other.
# `make attack`: the whole stack under attack from one address. Each with its own compose project and ports, so that a stack
# of `make up` beside it is not touched; removed with its data at the end, however that comes.
#
#   docker/cluster-test.sh [short|long] [options of the bench, see --help]
#   docker/cluster-test.sh attack [short|long] [options, see attack --help]
#   WEHPU_SCHOOL=hpu    another school than hpu-urp; attacks are always on hpu-urp
#   KEEP=yes            leave the stack running afterwards; the next run begins with it
#   CLUSTER_PORT, CLUSTER_SIM_PORT, CLUSTER_STATS_PORT    18380, 18381, 18382
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/bootstrap/toolchain.sh"
. "$WEHPU_ROOT/docker/project.sh"
. "$WEHPU_ROOT/docker/school.sh"
need_toolchain
cd "$WEHPU_ROOT" || exit 1

# What the bench itself takes is said by its program, which needs no stack.
if [[ " $* " == *" --help "* || " $* " == *" -h "* ]]; then
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exec cargo run --quiet --locked -p cluster-test -- "$@"
fi

BENCH_OF=cluster
[ "${1:-}" != attack ] || BENCH_OF=attack SCHOOL=hpu-urp
need_school
ENGINE_WAS=$(docker/bootstrap/engine.sh status)
docker/bootstrap/engine.sh up || die "the bench needs a Docker engine: it kills containers"
docker/bootstrap/images.sh || die "the base images are missing"

# The bench takes no settings from its caller but the images and the school.
for name in $(compgen -e WEHPU_); do
    case $name in *_IMAGE | WEHPU_BUILD_CA_FILE | WEHPU_ROOT | WEHPU_STATE) ;; *) unset "$name" ;; esac
done
export WEHPU_SCHOOL=$SCHOOL
export COMPOSE_PROJECT_NAME=wehpu-$BENCH_OF
COMPOSE_FILE=docker-compose.yml
[ ! -e docker-compose.override.yml ] || COMPOSE_FILE+=:docker-compose.override.yml
export COMPOSE_FILE=$COMPOSE_FILE:docker/compose.$BENCH_OF.yml
export ATTACK_PROXY_PEM=$WEHPU_STATE/attack/proxy.pem ATTACK_CERTIFICATE=$WEHPU_STATE/attack/certificate.pem
export CLUSTER_PORT=${CLUSTER_PORT:-18380} CLUSTER_SIM_PORT=${CLUSTER_SIM_PORT:-18381} CLUSTER_STATS_PORT=${CLUSTER_STATS_PORT:-18382}
export WEHPU_HTTP_PORT=$CLUSTER_PORT
# Tags of its own: a running stack of `make up` keeps the images it was started with.
export WEHPU_ENGINE_IMAGE=${WEHPU_ENGINE_IMAGE:-wehpu-engine:cluster} WEHPU_SIM_IMAGE=${WEHPU_SIM_IMAGE:-wehpu-campus-sim:cluster}
need_configuration
# The stand-in for MongoDB, where images.sh made one, is the image of the helper "disk" and of the relay too.
if [ -z "${WEHPU_MONGO_IMAGE:-}" ]; then
    WEHPU_MONGO_IMAGE=$(docker compose config --images mongo1 | head -n 1)
    export WEHPU_MONGO_IMAGE
fi
if [ -z "${WEHPU_BUILD_CA_FILE:-}" ] && [ -s /etc/ssl/certs/ca-certificates.crt ]; then
    export WEHPU_BUILD_CA_FILE=/etc/ssl/certs/ca-certificates.crt
fi
WEHPU_REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
export WEHPU_REVISION DOCKER_BUILDKIT=1

# A certificate for the proxy under attack; its users trust it and nothing else.
make_certificate() {
    local dir=$WEHPU_STATE/attack
    have openssl || install_packages openssl || die "openssl is needed to make a certificate"
    mkdir -p "$dir"
    # Attackers run the bench's own program in a container with an address of its own. Any image with a C library will do.
    export ATTACK_IMAGE=$WEHPU_MONGO_IMAGE
    # The proxy of a stack that was kept goes on with the certificate it was started with.
    if [ "${KEEP:-}" = yes ] && openssl x509 -in "$ATTACK_CERTIFICATE" -noout -checkend 3600 >/dev/null 2>&1; then
        return
    fi
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=wehpu.test \
        -addext subjectAltName=DNS:wehpu.test -addext basicConstraints=critical,CA:FALSE \
        -keyout "$dir/key.pem" -out "$ATTACK_CERTIFICATE" 2>/dev/null || die "openssl makes no certificate"
    cat "$dir/key.pem" "$ATTACK_CERTIFICATE" >"$ATTACK_PROXY_PEM"
    # Read by the proxy's user inside its container.
    chmod 0644 "$ATTACK_PROXY_PEM"
}
[ "$BENCH_OF" = cluster ] || make_certificate

BENCH=
remove_stack() {
    # Whatever was paused must run again to be stopped.
    docker compose ps -q 2>/dev/null | xargs -r docker kill -s CONT >/dev/null 2>&1
    docker rm --force "${COMPOSE_PROJECT_NAME}_edge-attacker" "${COMPOSE_PROJECT_NAME}_data-relay" >/dev/null 2>&1
    docker compose down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1
}
finish() {
    local status=$?
    trap - EXIT INT TERM
    [ -z "$BENCH" ] || kill "$BENCH" 2>/dev/null && wait "$BENCH" 2>/dev/null
    if [ "${KEEP:-}" = yes ]; then
        say "the stack keeps running (project $COMPOSE_PROJECT_NAME, http://127.0.0.1:$CLUSTER_PORT)"
    else
        remove_stack
        [ "$ENGINE_WAS" = ready ] || [ "${KEEP_DOCKERD:-}" = yes ] || docker/bootstrap/engine.sh down
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

[ "${KEEP:-}" = yes ] || remove_stack
if [ "${BUILD:-yes}" = yes ]; then
    step "build the images" -- docker compose --progress plain build || die "the images cannot be built"
fi
step "build the bench" -- cargo build --locked -p cluster-test || die "the bench does not compile"
step "start the stack $COMPOSE_PROJECT_NAME" -- docker compose up --detach --wait ||
    die "the stack does not become healthy"
PROGRAM=${CARGO_TARGET_DIR:-target}/debug/cluster-test
step "articles to read" -- "$PROGRAM" seed --count 40 || die "no articles"

"$PROGRAM" "$@" &
BENCH=$!
wait "$BENCH"
status=$?
BENCH=
exit "$status"

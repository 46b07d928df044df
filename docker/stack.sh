#!/usr/bin/env bash
# The whole stack, behind `make up`, `make down`, `make clean`, `make ps` and `make logs`:
# containers where a Docker engine runs or can be made to run, plain processes elsewhere.
# ENGINE=none keeps Docker out of it: containers are neither started nor stopped. BUILD=no takes the images that are there.
# "make clean" wants to be confirmed where there may be accounts: CONFIRM=<project>, or the name typed at a terminal.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/bootstrap/toolchain.sh"
. "$WEHPU_ROOT/docker/project.sh"
. "$WEHPU_ROOT/docker/school.sh"
cd "$WEHPU_ROOT" || exit 1

PORT=$(setting WEHPU_HTTP_PORT 8080)
PORT=${PORT##*:}
URL=http://127.0.0.1:$PORT

engine_ready() { [ "${ENGINE:-}" != none ] && [ "$(docker/bootstrap/engine.sh status)" = ready ]; }

# What compose builds with: this machine's certificates, the commit.
build_settings() {
    if [ -z "${WEHPU_BUILD_CA_FILE:-}" ] && [ -s /etc/ssl/certs/ca-certificates.crt ]; then
        export WEHPU_BUILD_CA_FILE=/etc/ssl/certs/ca-certificates.crt
    fi
    WEHPU_REVISION=${WEHPU_REVISION:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
    export WEHPU_REVISION DOCKER_BUILDKIT=1
}

up_containers() {
    build_settings
    if [ "${BUILD:-yes}" = yes ]; then
        step "build the images (some minutes the first time, seconds later)" -- docker compose --progress plain build ||
            die "the images cannot be built"
    fi
    remove_failed
    # Without --wait: compose would wait for a damaged member for ever. It waits for what others need all the same, so that
    # the proxy starts when the engines are healthy.
    if ! step "start: database, replica set, migrations, engines, spider, proxy" -- \
        docker compose up --no-build --detach --remove-orphans || ! step "wait until all is healthy" -- all_healthy; then
        docker compose ps --all >&2
        if [ "$(docker inspect --format '{{.State.Health.Status}}' "$(container haproxy)" 2>/dev/null)" = healthy ]; then
            docker compose logs --no-log-prefix replset 2>&1 | grep '^warning' >&2
            warn "warning: the service answers, but not everything is healthy: $(not_healthy | paste -sd ' '). A damaged member: make replace-member MEMBER=…"
            return
        fi
        for name in replset migrate engine spider haproxy; do docker compose logs --no-log-prefix --tail 5 "$name" >&2; done
        die "the stack does not become healthy; docker compose logs tells more"
    fi
    docker compose ps --format 'table {{.Name}}\t{{.Status}}\t{{.Ports}}'
}

# Containers that are neither healthy, nor done, nor running without a health check.
not_healthy() {
    docker ps --all --filter "$(of_project)" --filter label=com.docker.compose.oneoff=False --format '{{.Names}} {{.Status}}' |
        grep -vE ' (Up .*\(healthy\)|Exited \(0\) .*)$' | grep -vE ' Up [^(]*$' | cut -d ' ' -f 1
}

# An idle member needs up to 20 s after its start to look at itself; a proxy that was there before finds new engines after a
# second or two.
all_healthy() {
    local deadline=$((SECONDS + 60))
    until [ -z "$(not_healthy)" ] && [ "$(in_rotation)" -ge "$(containers engine | wc -l)" ]; do
        [ "$SECONDS" -lt "$deadline" ] ||
            { echo "not healthy: $(not_healthy | paste -sd ' '); engines in rotation: $(in_rotation)"; return 1; }
        sleep 0.5
    done
}

# Containers of ours that failed with settings which may have been mended since (a secret's file): compose takes them for
# unchanged, and gives up on them at once.
remove_failed() {
    local id
    for id in $(containers replset migrate engine spider haproxy -- --all --filter health=unhealthy) \
        $(containers replset migrate engine spider haproxy -- --all --filter status=restarting); do
        docker rm --force "$id" >/dev/null
    done
}

# Members with role and lag, engines in rotation, and what does not run.
show() {
    docker compose ps --all
    echo
    docker compose run --rm --no-deps -T replset replset status 2>&1 </dev/null || true
    echo
    say "engines in rotation: $(in_rotation) of $(containers engine -- --all | wc -l)"
}

how_to_try() {
    if [ -n "$PROJECT" ] && is_production; then
        say ""
        say "production of project $PROJECT answers at $(setting WEHPU_PUBLIC_URL); make ps shows how it is"
        return
    fi
    be_student 000001
    cat <<TEXT

wehpu-engine answers at $URL/ (three engines behind HAProxy, campus simulated, school $SCHOOL)

  test student   $STUDENT
  bind           ${RIGHT[*]}

Log in as a WeChat user and get a token (a code sim-<user>-<anything new> is valid once):

  curl -s $URL/api/login -d code=sim-demo-\$RANDOM\$RANDOM

Then, with TOKEN set to the token:

  curl -s $URL/api/bind -H "Authorization: Bearer \$TOKEN" -d studentId=$STUDENT ${RIGHT[*]/#/-d }
  curl -s $URL/api/course -H "Authorization: Bearer \$TOKEN"

make smoke walks the whole way, make logs follows the logs, make down stops.
TEXT
}

up() {
    local status=0
    if [ "${ENGINE:-}" = none ]; then
        status=3
    else
        # What would fail after minutes fails before anything else is said, where an engine runs already.
        if engine_ready; then
            need_configuration
            need_free_ports
        fi
        docker/bootstrap/engine.sh up || status=$?
        if [ "$status" = 0 ]; then
            need_configuration
            docker/bootstrap/native.sh down
            need_free_ports
            docker/bootstrap/images.sh || status=$?
            use_stand_ins
        fi
    fi
    if [ "$status" = 0 ]; then
        up_containers
    elif [ "$status" != 3 ]; then
        exit 1
    else
        need_toolchain
        docker/bootstrap/native.sh up || exit 1
    fi
    how_to_try
}

down() {
    if engine_ready; then need_configuration; fi
    docker/bootstrap/native.sh down
    if engine_ready; then
        docker compose down --remove-orphans "$@" || exit 1
        [ "${KEEP_DOCKERD:-}" = yes ] || docker/bootstrap/engine.sh down
    fi
}

clean() {
    if engine_ready; then
        need_configuration
    else
        need_settings
        PROJECT=$(project_of_files)
    fi
    confirm_loss "This deletes all data of the project:" "$(docker/bootstrap/native.sh data)"
    docker/bootstrap/native.sh clean
    down --volumes
}

case "${1:-}" in
up) up ;;
down) down ;;
clean) clean ;;
ps)
    if engine_ready; then need_configuration; fi
    if [ -n "$PROJECT" ] && [ -n "$(docker compose ps --all --quiet)" ]; then
        show
    else
        docker/bootstrap/native.sh ps
    fi
    ;;
logs)
    if engine_ready; then need_configuration; fi
    if [ -n "$PROJECT" ] && [ -n "$(docker compose ps --quiet)" ]; then
        exec docker compose logs --follow --tail 20
    fi
    exec docker/bootstrap/native.sh logs
    ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

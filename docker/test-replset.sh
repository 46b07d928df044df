#!/usr/bin/env bash
# The three-member replica set that the tests need, on 127.0.0.1:27117-27119, set "wehpu-test".
#
#   docker/test-replset.sh up [PROGRAM]   containers where an engine runs, else three native mongod,
#                                         else one clear line and exit 1; removes what an earlier run
#                                         left; ends with a primary elected. PROGRAM: a wehpu-engine to
#                                         initiate it with; without it cargo builds the one of the tests
#   docker/test-replset.sh down           stop and forget it
#
# ENGINE=none keeps Docker out of it. `make test` calls this before and after the tests.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/mongo/parameters.sh"
. "$WEHPU_ROOT/docker/bootstrap/mongod-wheel.sh"

URI='mongodb://127.0.0.1:27117,127.0.0.1:27118,127.0.0.1:27119/?replicaSet=wehpu-test'
DIR=$WEHPU_ROOT/target/test-replset
MONGOD=$WEHPU_STATE/mongod

engine_ready() { [ "${ENGINE:-}" != none ] && [ "$("$WEHPU_ROOT/docker/bootstrap/engine.sh" status)" = ready ]; }

compose() {
    local image=${WEHPU_MONGO_IMAGE:-mongo:8.0}
    docker image inspect "$image" >/dev/null 2>&1 || image=wehpu-local/mongo:$MONGOD_VERSION
    # Named here, since a COMPOSE_PROJECT_NAME of the caller would count for more than the name in the file: "down" would
    # take the containers of that project for orphans of this one.
    MONGOD_PARAMETERS=${TEST_PARAMETERS[*]} WEHPU_MONGO_IMAGE=$image docker compose --progress quiet --project-name wehpu-test -f "$WEHPU_ROOT/docker/compose.test.yml" "$@"
}

stop_native() {
    local file pid i
    for file in "$DIR"/*.pid; do
        [ -s "$file" ] || continue
        pid=$(cat "$file")
        # The number may have gone to somebody else since.
        grep -aqs "$DIR" "/proc/$pid/cmdline" || { rm -f "$file"; continue; }
        kill -9 "$pid" 2>/dev/null
        for i in $(seq 1 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        rm -f "$file"
    done
    rm -rf "$DIR"
}

down() {
    if engine_ready; then compose down --volumes --remove-orphans --timeout 1 >/dev/null 2>&1; fi
    stop_native
}

start_native() {
    local i dir
    fetch_mongod "$MONGOD" || return 1
    for i in 1 2 3; do
        dir=$DIR/data$i
        mkdir -p "$dir"
        setsid nohup "$MONGOD" "${TEST_PARAMETERS[@]}" --dbpath "$dir" --port "2711$((6 + i))" --bind_ip 127.0.0.1 >"$DIR/$i.log" 2>&1 </dev/null &
        echo $! >"$DIR/$i.pid"
    done
}

# initiate [PROGRAM]. Without the WEHPU_* variables of the caller, which may mean something else.
initiate() {
    local drop=() name program=("$@")
    [ $# -gt 0 ] || program=(cargo run --quiet --all-features --locked --manifest-path "$WEHPU_ROOT/Cargo.toml" --bin wehpu-engine --)
    for name in $(compgen -e WEHPU_); do drop+=(-u "$name"); done
    env "${drop[@]}" WEHPU_MONGODB_URI="${URI/\/\?/\/wehpu_test?}" "${program[@]}" replset init --election-timeout 1s --wait 90s
}

port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

up() {
    local port status=0
    say "test replica set"
    down
    for port in 27117 27118 27119; do
        port_free "$port" || die "port $port is taken by something else; the test replica set needs 27117 to 27119"
    done
    mkdir -p "$DIR"
    if [ "${ENGINE:-}" = none ]; then
        status=3
    else
        "$WEHPU_ROOT/docker/bootstrap/engine.sh" up && "$WEHPU_ROOT/docker/bootstrap/images.sh" mongo || status=$?
    fi
    if [ "$status" = 0 ]; then
        step "start three mongod in containers" -- compose up --detach --remove-orphans || exit 1
    elif [ "$status" != 3 ]; then
        exit 1
    else
        say "  • without a container engine: three mongod processes"
        start_native || die "the tests need MongoDB: no container engine runs here and no native mongod can be had"
    fi
    step "initiate the replica set$([ $# -gt 0 ] || echo ' (builds the engine first, if it is not built)')" -- initiate "$@" || {
        [ -e "$DIR/1.log" ] && tail -n 3 "$DIR"/*.log >&2
        die "the test replica set has no primary"
    }
}

case "${1:-}" in
up) up "${@:2}" ;;
down) down ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

#!/usr/bin/env bash
# The stack of docker-compose.yml as plain processes, for machines where no container engine
# can run: three mongod, the campus simulator, three engines, the spider, HAProxy; all on 127.0.0.1 but the
# proxy. Settings and profiles of schools are those of docker/development, with the addresses changed.
#
#   docker/bootstrap/native.sh up      start (again); data stays
#   docker/bootstrap/native.sh down    stop what "up" started
#   docker/bootstrap/native.sh clean   stop and remove the data
#   docker/bootstrap/native.sh ps      what runs
#   docker/bootstrap/native.sh logs    follow the logs
#   docker/bootstrap/native.sh data    where its data is and how many accounts it holds; nothing where there is none
#
# Everything lies in target/native; nothing is installed.
set -uo pipefail
. "$(dirname "$0")/../progress.sh"
. "$WEHPU_ROOT/docker/mongo/parameters.sh"
. "$WEHPU_ROOT/docker/bootstrap/mongod-wheel.sh"
. "$WEHPU_ROOT/docker/project.sh"
. "$WEHPU_ROOT/docker/school.sh"

DIR=$WEHPU_ROOT/target/native
MONGOD=$WEHPU_STATE/mongod
HAPROXY_ROOT=$WEHPU_STATE/haproxy
BIN=$(realpath -m "${CARGO_TARGET_DIR:-$WEHPU_ROOT/target}")/release
PORT=$(setting WEHPU_HTTP_PORT 8080)
# As in compose: a number, or address and number.
case $PORT in *:*) PROXY_BIND=$PORT ;; *) PROXY_BIND="*:$PORT" ;; esac
PARTS=(mongo1 mongo2 mongo3 campus-sim engine1 engine2 engine3 spider haproxy)

# Is the process of this part alive and ours? (A number may have gone to somebody else since.)
alive() {
    local pid
    [ -s "$DIR/$1.pid" ] || return 1
    pid=$(cat "$DIR/$1.pid")
    grep -zqs "^NATIVE_STACK=$DIR$" "/proc/$pid/environ"
}

# start NAME [VARIABLE=VALUE...] -- COMMAND...: with a clean environment, in the background; in a folder without a .env,
# which an engine would read: that file is compose's, and has names in it that no engine knows.
start() {
    local name=$1 vars=()
    shift
    while [ "$1" != -- ]; do vars+=("$1"); shift; done
    shift
    (cd / && exec setsid nohup env -i PATH="$PATH" NATIVE_STACK="$DIR" "${vars[@]}" "$@" \
        >>"$DIR/$name.log" 2>&1 </dev/null) &
    echo $! >"$DIR/$name.pid"
}

# stop NAME...: ask all of them at once, wait 40 s, then insist.
stop() {
    local name pid
    local -A pids=()
    for name in "$@"; do
        if alive "$name"; then
            pids[$name]=$(cat "$DIR/$name.pid")
            kill "${pids[$name]}" 2>/dev/null
        fi
    done
    for name in "${!pids[@]}"; do
        pid=${pids[$name]}
        for _ in $(seq 1 400); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null
    done
    for name in "$@"; do rm -f "$DIR/$name.pid"; done
}

# for_this_machine: addresses and paths of the containers become those of the processes.
for_this_machine() {
    sed -e 's/mongo\([123]\):27017/127.0.0.1:2721\1/g' -e 's/campus-sim:4000/127.0.0.1:27214/g' \
        -e 's/campus-cas:4000/localhost:27214/g' -e "s|/wehpu/schools/|$DIR/schools/|g"
}

# settings FILE...: what these files of docker/development say, as NAME=VALUE lines for this machine.
settings() {
    local line
    (cd "$WEHPU_ROOT/docker/development" && sed -n '/^WEHPU_/p' "${@/%/.env}") | for_this_machine |
        while IFS= read -r line; do
            if [[ $line =~ ^(.*)\$\{([A-Z_]+):-([^}]*)\}(.*)$ ]]; then
                line=${BASH_REMATCH[1]}$(setting "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}")${BASH_REMATCH[4]}
            fi
            printf '%s\n' "$line"
        done
}
# As the containers have them; the one-shots have all that any of them wants.
settings_of_one_shots() { settings profile uri migrate-uri spider-uri common engine; }
settings_of_engines() { settings profile uri common "schools/$SCHOOL" engine; }
settings_of_spider() { settings profile spider-uri common "schools/$SCHOOL" spider; }

make_profiles() {
    local file
    mkdir -p "$DIR/schools"
    for file in "$WEHPU_ROOT"/docker/development/schools/*.toml; do
        for_this_machine <"$file" >"$DIR/schools/${file##*/}"
    done
}

# one_shot COMMAND...: a command of the engine with the settings in "vars", in a folder without a .env.
one_shot() { (cd / && env -i "${vars[@]}" "$BIN/wehpu-engine" "$@"); }

healthy() { (cd / && env -i "$BIN/wehpu-engine" healthcheck --url "$1" >/dev/null 2>&1); }

# wait_for NAME URL: until it answers with success, or its process is gone, or 60 s are over.
wait_for() {
    for _ in $(seq 1 300); do
        healthy "$2" && return 0
        alive "$1" || break
        sleep 0.2
    done
    tail -n 5 "$DIR/$1.log" >&2
    die "$1 does not become healthy, see target/native/$1.log"
}

missing_libraries() {
    local package
    for package in $(apt-cache depends "$1" | sed -n 's/^ *Depends: \(lib[^ <]*\)$/\1/p'); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
    done
}

# The port each part listens on must be free, unless that part is ours and runs.
need_ports() {
    local part port variable address
    while read -r part port variable; do
        alive "$part" && continue
        address=127.0.0.1
        [ -z "$variable" ] || address=${PROXY_BIND%:*}
        port_taken "$port" "$address" && port_is_taken "$port" "$part" "$variable"
    done <<PORTS
mongo1 27211
mongo2 27212
mongo3 27213
campus-sim 27214
engine1 3001
engine2 3002
engine3 3003
engine1 9091
engine2 9092
engine3 9093
spider 9094
haproxy ${PORT##*:} WEHPU_HTTP_PORT
haproxy 8404
PORTS
}

# HAProxy from PATH, else out of the Debian packages, unpacked beside our state.
find_haproxy() {
    local path package packages
    path=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v haproxy) && { HAPROXY=$path; return 0; }
    HAPROXY=$HAPROXY_ROOT/usr/sbin/haproxy
    [ -x "$HAPROXY" ] && return 0
    have apt-get && have dpkg || die "haproxy is not installed and there is no apt-get to fetch it"
    apt-cache show haproxy >/dev/null 2>&1 || { is_root && step "read the Debian package lists" -- apt-get update -q; }
    # The package, those of its libraries that are missing here, and theirs.
    packages=(haproxy)
    for package in $(missing_libraries haproxy); do
        packages+=("$package")
        mapfile -t -O "${#packages[@]}" packages < <(missing_libraries "$package")
    done
    mkdir -p "$HAPROXY_ROOT/debs"
    (cd "$HAPROXY_ROOT/debs" && step "fetch HAProxy (${packages[*]})" -- \
        apt-get -o APT::Sandbox::User=root download "${packages[@]}") || die "haproxy cannot be fetched"
    for package in "$HAPROXY_ROOT"/debs/*.deb; do dpkg -x "$package" "$HAPROXY_ROOT" || die "$package cannot be unpacked"; done
}

up() {
    local vars=() n
    need_settings
    need_school
    PROJECT=$(project_of_files)
    need_ports
    say "without a container engine: the same parts as plain processes"
    have cargo || die "cargo is needed to build the engine"
    fetch_mongod "$MONGOD" || die "no mongod can be had for this machine"
    find_haproxy
    (cd "$WEHPU_ROOT" && step "build the engine and the simulator (a few minutes the first time)" -- \
        cargo build --release --locked -p wehpu-engine -p campus-sim --bins) || die "the build failed"

    mkdir -p "$DIR"
    stop haproxy
    stop engine1 engine2 engine3 spider campus-sim
    install -m 0600 "$WEHPU_ROOT/docker/mongo/keyfile.development-only" "$DIR/keyfile"
    make_profiles
    mapfile -t vars < <(settings_of_one_shots)

    for n in 1 2 3; do
        alive "mongo$n" && continue
        mkdir -p "$DIR/data$n"
        start "mongo$n" -- "$MONGOD" "${STACK_PARAMETERS[@]}" --keyFile "$DIR/keyfile" --dbpath "$DIR/data$n" \
            --port "2721$n" --bind_ip 127.0.0.1
    done
    step "make the three mongod a replica set" -- one_shot replset init --key-file "$DIR/keyfile" ||
        die "the replica set cannot be initiated, see target/native/mongo1.log"
    step "bring the database up to date" -- one_shot migrate ||
        die "the migrations failed"

    start campus-sim -- "$BIN/campus-sim" --bind 127.0.0.1:27214 --academic-host 127.0.0.1 --cas-host localhost
    wait_for campus-sim http://127.0.0.1:27214/_sim/healthz
    mapfile -t vars < <(settings_of_engines)
    for n in 1 2 3; do
        start "engine$n" "${vars[@]}" WEHPU_BIND_ADDR="127.0.0.1:300$n" WEHPU_ADMIN_ADDR="127.0.0.1:909$n" \
            WEHPU_TRUSTED_PROXIES=127.0.0.0/8 -- "$BIN/wehpu-engine" serve
    done
    mapfile -t vars < <(settings_of_spider)
    start spider "${vars[@]}" WEHPU_ADMIN_ADDR=127.0.0.1:9094 -- "$BIN/wehpu-engine" spider
    for n in 1 2 3; do wait_for "engine$n" "http://127.0.0.1:909$n/readyz"; done
    wait_for spider http://127.0.0.1:9094/readyz
    start haproxy PROXY_STATIC_ENGINES=yes PROXY_BIND="$PROXY_BIND" PROXY_STATS_BIND=127.0.0.1:8404 \
        PROXY_STATS_PASSWORD="${WEHPU_PROXY_STATS_PASSWORD:-stats-development-only}" \
        LD_LIBRARY_PATH="$HAPROXY_ROOT/usr/lib/$(uname -m)-linux-gnu" \
        -- "$HAPROXY" -W -db -f "$WEHPU_ROOT/docker/haproxy/haproxy.cfg"
    wait_for haproxy http://127.0.0.1:8404/healthz
    ps_
}

down() {
    local part any=no
    for part in "${PARTS[@]}"; do alive "$part" && any=yes; done
    [ "$any" = yes ] || return 0
    stop haproxy
    stop engine1 engine2 engine3 spider
    stop campus-sim mongo1 mongo2 mongo3
    say "native processes stopped"
}

ps_() {
    local part
    need_settings
    for part in "${PARTS[@]}"; do
        if alive "$part"; then
            printf '%-12s running, pid %-7s %s MB resident\n' "$part" "$(cat "$DIR/$part.pid")" \
                "$(awk '/^VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$(cat "$DIR/$part.pid")/status")"
        else
            printf '%-12s not running\n' "$part"
        fi
    done
}

# In one line, since it is one of those that are shown before data is deleted.
data() {
    local vars=() number
    [ -e "$DIR/data1" ] || return 0
    mapfile -t vars < <(settings_of_one_shots)
    number=$(alive mongo1 && [ -x "$BIN/wehpu-engine" ] && one_shot rekey --dry-run 2>/dev/null | sed -nE 's|.*\b([0-9]+) accounts?\b.*|\1|p' | tail -n 1)
    [ "$number" = 0 ] || echo "target/native (plain processes, accounts ${number:-unknown: they do not run})"
}

logs() {
    local files=("$DIR"/*.log)
    need_settings
    [ -e "${files[0]}" ] || die "nothing runs here and nothing did: make up"
    exec tail -n 20 -F "${files[@]}"
}

case "${1:-}" in
up) up ;;
down) down ;;
clean)
    down
    rm -rf "$DIR"
    ;;
ps) ps_ ;;
logs) logs ;;
data) data ;;
*)
    sed -n '2,13s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

#!/usr/bin/env bash
# `make backup`, `make backup-list`, `make restore`: the database as one archive, files included (they are in GridFS).
#
#   docker/backup.sh backup [FILE]    default WEHPU_BACKUP_DIR/<project>-<date>-<time>.tar.gz; WEHPU_BACKUP_DIR is backups/
#   docker/backup.sh rotate [KEEP]    one more of those, then only the KEEP newest stay (7): for a daily timer
#   docker/backup.sh list             how old and how large they are; exit 1 when the newest is older than a day
#   docker/backup.sh restore FILE     replaces all that is stored, after it has asked (CONFIRM=<project> for scripts)
#   docker/backup.sh resume           ends a restore that was cut off by the machine itself; says which data is in force
#
# AGE_RECIPIENT=age1… (or --recipient age1…; several joined by commas) encrypts a backup with age on its way to the disk.
# AGE_IDENTITY=FILE names the key for a restore of such a one.
#
# A backup stops one secondary, copies its data folder and starts it again: the copy is what a majority had a moment
# before, the service goes on with the other two. A restore unpacks the copy beside the data of every member while the
# service goes on; then all stops, old and new are exchanged by renaming, and all starts again. Needs nothing but the
# MongoDB image that runs anyway, and works with any. The archive holds personal data: its passwords are sealed, names
# and scores are not. It fits the version of MongoDB that it was made with.
# Works on whatever stack COMPOSE_FILE and COMPOSE_PROJECT_NAME name; its members are mongo1, mongo2, mongo3.
set -uo pipefail
FROM=$PWD
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/project.sh"
cd "$WEHPU_ROOT" || exit 1
umask 077
# What a person is told at the end, also when that comes within a step, whose output goes elsewhere.
exec 4>&2

PATIENCE=120
DAY=86400

# ---- the helper: a container with every member's data folder under /members, and nothing else

HELPER_RUNS=no
helper() { printf '%s-copy' "$PROJECT"; }
in_helper() { docker exec --interactive "$(helper)" bash -c "set -eu; $1" - "${@:2}"; }
# What must not end in the middle: a Ctrl-C at the terminal, or its end, reaches neither this program nor what it runs.
# (Ignored signals would be ignored by the signs of life of "step" as well, which are ended by one.)
stay() { trap : INT TERM HUP; }
steady() { if have setsid; then setsid --wait "$@"; else "$@"; fi; }

# There is one at a time: its name keeps backups and restores of a project apart. One whose script is gone is removed.
start_helper() {
    local name member mount mounts=() image pid why
    name=$(helper)
    pid=$(docker inspect --format '{{if .State.Running}}{{index .Config.Labels "wehpu.pid"}}{{end}}' "$name" 2>/dev/null)
    [ -z "$pid" ] || ! grep -aqs backup.sh "/proc/$pid/cmdline" ||
        die "another backup or restore of $PROJECT is at work (process $pid, container $name)"
    docker rm --force --volumes "$name" >/dev/null 2>&1
    for member in "${MEMBERS[@]}"; do
        mount=$(docker inspect --format \
            '{{range .Mounts}}{{if eq .Destination "/data/db"}}type={{.Type}},source={{or .Name .Source}}{{end}}{{end}}' \
            "$(container "$member")") || die "$member has no container"
        mounts+=(--mount "$mount,target=/members/$member")
    done
    image=$(docker inspect --format '{{.Image}}' "$(container mongo1)")
    why=$(docker run --detach --name "$name" --label "wehpu.pid=$$" --network none --user 999:999 --cap-drop ALL \
        --security-opt no-new-privileges:true --read-only "${mounts[@]}" --entrypoint sleep "$image" infinity 2>&1) ||
        die "the data folders cannot be reached: $why"
    HELPER_RUNS=yes
}
end_helper() {
    [ "$HELPER_RUNS" = no ] || docker rm --force --volumes "$(helper)" >/dev/null 2>&1
    HELPER_RUNS=no
}

start_all() {
    local id jobs=()
    for id in "$@"; do
        docker start "$id" >/dev/null &
        jobs+=($!)
    done
    # Not for whatever else runs beside.
    [ $# -eq 0 ] || wait "${jobs[@]}"
}

# wait_healthy ID...: until all of them are, as their own checks have it.
wait_healthy() {
    local id deadline=$((SECONDS + PATIENCE))
    for id in "$@"; do
        until [ "$(docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}' "$id")" = healthy ]; do
            [ "$SECONDS" -lt "$deadline" ] || { warn "$(docker inspect --format '{{.Name}}' "$id") is not healthy after ${PATIENCE}s"; return 1; }
            sleep 0.5
        done
    done
}

# ---- backup

# Of a backup under way: the member that is stopped, the file that is not whole.
STOPPED=
PARTIAL=
backup_ended() {
    local status=$?
    trap - EXIT INT TERM HUP
    exec 2>&4
    if [ -n "$STOPPED" ]; then
        docker start "$STOPPED" >/dev/null 2>&1 || warn "a member cannot be started again: docker compose up -d"
    fi
    [ -z "$PARTIAL" ] || rm -f "$PARTIAL"
    end_helper
    exit "$status"
}

# sealed RECIPIENTS: standard input, encrypted for them, if there are any.
sealed() {
    local one all=() arguments=()
    [ -n "$1" ] || { cat; return; }
    IFS=, read -ra all <<<"$1"
    for one in "${all[@]}"; do
        if [ -r "$one" ]; then arguments+=(--recipients-file "$one"); else arguments+=(--recipient "$one"); fi
    done
    age --encrypt "${arguments[@]}"
}

backup() {
    local file=$1 recipients=$2 member primary='' chosen='' begun status=0 folder
    if [ -n "$recipients" ]; then
        have age || die "age is not installed (package age), and AGE_RECIPIENT wants the backup encrypted"
        # Found out before a member is stopped.
        sealed "$recipients" </dev/null >/dev/null || die "AGE_RECIPIENT is no recipient that age knows"
    fi
    if [ -z "$file" ]; then
        folder=$(backup_folder)
        [ -d "$folder" ] || mkdir -p "$folder" || die "the folder $folder cannot be made (WEHPU_BACKUP_DIR)"
        file=$folder/$PROJECT-$(date +%Y%m%d-%H%M%S).tar.gz
    fi
    [ -z "$recipients" ] || file=${file%.age}.age
    [ ! -e "$file" ] || die "$file exists"
    for member in "${MEMBERS[@]}"; do
        case $(role "$member") in
        primary) primary=$member ;;
        secondary) chosen=$member ;;
        *) die "$member is neither primary nor secondary: a backup needs all three, so that two go on (make ps)" ;;
        esac
    done
    [ -n "$primary" ] || die "the set has no primary: docker compose logs mongo1 mongo2 mongo3"
    trap backup_ended EXIT
    trap 'exit 130' INT TERM HUP
    start_helper
    PARTIAL=$file.partial
    : >"$PARTIAL" || die "$PARTIAL cannot be written"
    say "copy $chosen (the primary is $primary)"
    begun=$SECONDS
    STOPPED=$(container "$chosen")
    docker stop -t 30 "$STOPPED" >/dev/null || die "$chosen cannot be stopped"
    # A file that is not whole has another name, so that nobody takes it for a backup.
    in_helper 'exec tar --create --gzip --exclude=./diagnostic.data --exclude=./mongod.lock --exclude=./.restore --directory="/members/$1" .' \
        "$chosen" | sealed "$recipients" >"$PARTIAL" || status=1
    docker start "$STOPPED" >/dev/null || die "$chosen cannot be started again: docker compose up -d"
    STOPPED=
    [ -n "$recipients" ] || gzip --test "$PARTIAL" || status=1
    [ "$status" = 0 ] || die "the copy failed"
    { sync "$PARTIAL" && mv "$PARTIAL" "$file"; } || die "$file cannot be written"
    PARTIAL=
    wait_healthy "$(container "$chosen")" || die "docker compose logs $chosen"
    say "${file#"$WEHPU_ROOT"/}: $(numfmt --to=iec "$(stat --format %s "$file")")${recipients:+, encrypted}; $chosen is back after $((SECONDS - begun))s"
    trap - EXIT INT TERM HUP
    end_helper
}

rotate() {
    local keep=$1 recipients=$2 file all
    [[ $keep =~ ^[1-9][0-9]*$ ]] || die "how many are to stay? docker/backup.sh rotate 7"
    backup '' "$recipients" || exit 1
    mapfile -t all < <(backups | cut -f 2)
    for file in "${all[@]:$keep}"; do
        rm -f "$file" && say "deleted ${file#"$WEHPU_ROOT"/}"
    done
}

list() {
    local at file now newest='' folder
    now=$(date +%s)
    folder=$(backup_folder)
    while IFS=$'\t' read -r at file; do
        newest=${newest:-$at}
        printf '%14s  %7s  %s\n' "$(how_long $((now - at)))" "$(numfmt --to=iec "$(stat --format %s "$file")")" "${file#"$WEHPU_ROOT"/}"
    done < <(backups)
    for file in "$folder/$PROJECT"-*.partial; do
        [ -e "$file" ] && warn "not whole, from a backup that was cut off or runs now: ${file#"$WEHPU_ROOT"/}"
    done
    [ -n "$newest" ] || { warn "warning: there is no backup of $PROJECT in ${folder#"$WEHPU_ROOT"/} (make backup)"; return 1; }
    [ $((now - newest)) -le "$DAY" ] || { warn "warning: the newest backup is $(how_long $((now - newest))) old (make backup)"; return 1; }
}

# ---- restore

# Where a restore stands: nothing | unpack | away (stopped, old data) | torn (neither) | new (new data, not all runs) | over
STAGE=nothing
HAD_DATA=no

restore_ended() {
    local status=$?
    trap - EXIT INT TERM HUP
    exec 2>&4
    case $STAGE in
    unpack)
        in_helper 'rm -rf /members/*/.restore' 2>/dev/null
        warn "not restored: nothing was stopped, and the data is what it was"
        ;;
    away)
        start_all "${MEMBER_IDS[@]}" "${ENGINE_IDS[@]}" "${OTHER_IDS[@]}"
        in_helper 'rm -rf /members/*/.restore' 2>/dev/null
        warn "not restored: the old data is in force, and what ran starts again"
        ;;
    torn) warn "neither the old data nor the new is in force, and both are there: docker/backup.sh resume" ;;
    new) warn "the new data is in force, but not everything runs: docker compose up -d, docker compose logs" ;;
    esac
    end_helper
    exit "$status"
}

is_encrypted() { [ "$(head -c 21 "$1" | tr -d '\0')" = age-encryption.org/v1 ]; }

# The archive as it was before age.
plain() {
    local identity
    if is_encrypted "$1"; then
        identity=$(setting AGE_IDENTITY)
        age --decrypt ${identity:+--identity "$identity"} "$1"
    else
        cat "$1"
    fi
}

SIZE=
# Reads the whole archive: its size unpacked, in MB, in SIZE; fails when it is not whole or no copy of a member.
measure() {
    SIZE=$(plain "$1" | tar --list --verbose --gzip |
        awk '{ sum += $3 } $6 == "./WiredTiger" { known = 1 } END { if (!known) exit 1; printf "%d", sum / 1048576 + 1 }')
}

# As many copies as share a file system must fit into it, beside what is there.
need_room() {
    in_helper '
        for folder in /members/*; do
            echo "$(stat --file-system --format "%i %a %S" "$folder")"
        done' | awk -v size="$1" '{ need[$1] += size; free[$1] = $2 * $3 / 1048576 }
            END { for (one in need) if (need[one] + 300 > free[one]) { printf "%d MB are needed, %d MB are free", need[one] + 300, free[one]; exit 1 } }'
}

unpack() {
    plain "$1" | in_helper '
        rm -rf /members/*/.restore
        mkdir -p /members/mongo1/.restore/new
        exec tar --extract --gzip --directory=/members/mongo1/.restore/new' || return 1
    in_helper '
        for folder in /members/mongo2 /members/mongo3; do
            mkdir "$folder/.restore"
            cp --archive --reflink=auto /members/mongo1/.restore/new "$folder/.restore/"
        done
        sync --file-system /members/*'
}

# exchange IN OUT: what is in force goes to .restore/OUT and .restore/IN comes in force, for all members within a moment.
# Whatever cuts it off, saying it again completes it: a member that finds the mark does not start meanwhile (mongo/start.sh).
exchange() {
    steady docker exec --interactive "$(helper)" bash -s - "$1" "$2" <<'SCRIPT'
set -eu
shopt -s dotglob nullglob
for folder in /members/*; do echo "$1 $2" >"$folder/.restore/exchange"; done
sync --file-system /members/*/.restore/exchange
for folder in /members/*; do
    cd "$folder"
    [ -d ".restore/$1" ] || continue
    if [ ! -e .restore/emptied ]; then
        mkdir -p ".restore/$2"
        for entry in *; do
            [ "$entry" = .restore ] || mv "$entry" ".restore/$2/"
        done
        : >.restore/emptied
    fi
    for entry in ".restore/$1"/*; do mv "$entry" .; done
    rmdir ".restore/$1"
done
sync --file-system /members/*
for folder in /members/*; do rm -f "$folder/.restore/emptied" "$folder/.restore/exchange"; done
SCRIPT
}

# The members, and what runs of the project: engines; what else is there to stay; commands under way, which are not
# started again.
MEMBER_IDS=()
ENGINE_IDS=()
OTHER_IDS=()
RUN_IDS=()
look_what_runs() {
    local id service oneoff member
    MEMBER_IDS=() ENGINE_IDS=() OTHER_IDS=() RUN_IDS=()
    for member in "${MEMBERS[@]}"; do MEMBER_IDS+=("$(container "$member")"); done
    while read -r id oneoff service; do
        case $oneoff/$service in
        */mongo[123] | */haproxy | */campus-sim | */disk | */) ;;
        True/* | */replset | */migrate) RUN_IDS+=("$id") ;;
        */engine) ENGINE_IDS+=("$id") ;;
        *) OTHER_IDS+=("$id") ;;
        esac
    done < <(docker ps --no-trunc --filter "$(of_project)" \
        --format '{{.ID}} {{.Label "com.docker.compose.oneoff"}} {{.Label "com.docker.compose.service"}}')
}

stop_all() { [ $# -eq 0 ] || steady docker stop -t 30 "$@" >/dev/null; }

# Engines and members as late as can be.
stop_everything() { stop_all "${RUN_IDS[@]}" "${OTHER_IDS[@]}" && stop_all "${ENGINE_IDS[@]}" && stop_all "${MEMBER_IDS[@]}"; }

# one_shot SERVICE: as "docker compose up" runs it, but not for longer than PATIENCE.
one_shot() {
    local name=$PROJECT-restore-$1 status=0
    steady timeout "$PATIENCE" docker compose run --rm --no-deps -T --name "$name" "$1" || status=$?
    [ "$status" = 0 ] || docker rm --force "$name" >/dev/null 2>&1
    return "$status"
}

# The members as a set with its users, at the version of the image that is there. Engines and spider wait for that
# themselves, and for migrations too: started during the election they lose no time.
start_database() {
    local others watcher status=0
    start_all "${MEMBER_IDS[@]}"
    start_all "${ENGINE_IDS[@]}" "${OTHER_IDS[@]}" &
    others=$!
    end_waiting &
    watcher=$!
    { one_shot replset && one_shot migrate; } || status=$?
    kill "$watcher" 2>/dev/null
    wait "$others" "$watcher" 2>/dev/null
    return "$status"
}

# Nobody waits for a member that ends again and again.
end_waiting() {
    until [ "$(docker inspect --format '{{.RestartCount}}' "${MEMBER_IDS[@]}" | sort -n | tail -n 1)" -ge 3 ]; do sleep 1; done
    docker rm --force "$PROJECT-restore-replset"
}

# What members said last of all that was wrong.
last_words() {
    local id
    for id in "${MEMBER_IDS[@]}"; do docker logs --tail 300 "$id" 2>&1; done | grep -E '"s":"[FE]"' | head -n 1 | cut -c 1-300
}

have_members() { [ -n "$(container mongo1)" ] && [ -n "$(container mongo2)" ] && [ -n "$(container mongo3)" ]; }

# Seconds that the proxy has no engine in rotation, asked from inside it; ends by itself. An engine whose name is there
# again counts as well until its first checks have failed: only three good seconds end it.
watch_proxy() {
    steady docker exec "$1" bash -c '
        away= back=
        for _ in {1..9000}; do
            line=
            { exec 3<>/dev/tcp/127.0.0.1/8404 && printf "GET /healthz HTTP/1.0\r\n\r\n" >&3 && read -t 2 -r line <&3; exec 3>&-; } 2>/dev/null
            now=${EPOCHREALTIME//[.,]/}
            if [[ $line != *" 200 "* ]]; then
                away=${away:-$now} back=
            elif [ -n "$away" ]; then
                back=${back:-$now}
                [ $((now - back)) -lt 3000000 ] || break
            fi
            sleep 0.1
        done
        printf "%d.%d\n" $(((back - away) / 1000000)) $(((back - away) / 100000 % 10))'
}

restore() {
    local file=$1 proxy watched='' begun away='The service does not run, and is started afterwards.' meanwhile=''
    [ -r "$file" ] || die "$file cannot be read"
    ! is_encrypted "$file" || have age || die "age is not installed (package age), and $file is encrypted"
    step "read the archive" -- measure "$file" ||
        die "$file is no whole archive that docker/backup.sh made$(is_encrypted "$file" && echo ", or AGE_IDENTITY does not open it")"
    if [ -n "$(containers engine)" ]; then
        away='The service is away for about 20 seconds (longer on a busy machine): the proxy answers 503 with retry-after.'
        meanwhile='; the service goes on'
    fi
    confirm_loss "This replaces all data of the project by $file ($SIZE MB unpacked).
What was written since that backup is gone. $away"

    # A stack that was never up has neither containers nor volumes.
    if ! have_members; then
        docker image inspect "$(image_of replset)" >/dev/null 2>&1 ||
            die "the engine's image is not here: make up builds it (docker compose build engine)"
        step "make the members' containers and volumes" -- docker compose up --no-start --no-recreate --no-build "${MEMBERS[@]}" ||
            die "docker compose up does not work here"
    fi
    look_what_runs
    trap restore_ended EXIT
    trap 'exit 130' INT TERM HUP
    start_helper
    in_helper '! ls /members/*/.restore/exchange' >/dev/null 2>&1 ||
        die "a restore was cut off while it exchanged the data; first: docker/backup.sh resume"
    in_helper 'ls /members/*/WiredTiger' >/dev/null 2>&1 && HAD_DATA=yes
    STAGE=unpack
    in_helper 'rm -rf /members/*/.restore'
    need_room "$SIZE" >"$WEHPU_STATE/log/room" || die "not enough room beside the data: $(cat "$WEHPU_STATE/log/room"). \
Make some; or make clean, which deletes the data, and then restore into nothing"
    step "unpack it beside the data of the three members$meanwhile" -- unpack "$file" ||
        die "the archive cannot be unpacked"

    proxy=$(containers haproxy)
    if [ -n "$proxy" ] && [ ${#ENGINE_IDS[@]} -gt 0 ]; then
        watched=$(mktemp "$WEHPU_STATE/log/away.XXXXXX")
        watch_proxy "$proxy" >"$watched" 2>/dev/null &
    fi
    begun=$SECONDS
    # From here on to the end it is not to be interrupted.
    stay
    STAGE=away
    step "stop what runs of engines, spider and members" -- stop_everything || die "not everything can be stopped"
    STAGE=torn
    exchange new old || exchange new old || die "the data cannot be exchanged"
    STAGE=new
    if ! step "start with the new data" -- start_database; then
        [ "$HAD_DATA" = yes ] || die "the copy is in place, and the database does not start with it: docker compose logs mongo1"
        last_words >&2
        stop_everything
        STAGE=torn
        exchange old new || exchange old new || die "the data cannot be exchanged back"
        STAGE=away
        die "the database does not start with this copy (another version of MongoDB?)"
    fi
    if [ ${#ENGINE_IDS[@]} -gt 0 ]; then
        # The proxy's own check comes to know it last.
        step "wait until all are healthy" -- wait_healthy "${ENGINE_IDS[@]}" "${OTHER_IDS[@]}" "${MEMBER_IDS[@]}" ${proxy:+"$proxy"} || exit 1
    else
        step "start the stack" -- steady docker compose up --detach --wait --no-build --no-recreate || exit 1
    fi
    STAGE=over
    in_helper 'rm -rf /members/*/.restore'
    say "restored from $file"
    if [ -n "$watched" ]; then
        for _ in {1..50}; do [ -s "$watched" ] || sleep 0.1; done
        say "the service was away for $(cat "$watched") s of the $((SECONDS - begun)) s that this took"
        rm -f "$watched"
    fi
}

# Marks on all members: the exchange had begun, and is ended. On some: it had not begun, or was over.
resume() {
    local marked way
    have_members || die "the members have no containers: docker compose up --no-start"
    trap restore_ended EXIT
    start_helper
    marked=$(in_helper 'cat /members/*/.restore/exchange' 2>/dev/null)
    stay
    case $(grep -c . <<<"$marked") in
    0)
        in_helper 'rm -rf /members/*/.restore'
        say "nothing to end: no restore was cut off while it exchanged the data"
        return
        ;;
    "${#MEMBERS[@]}")
        look_what_runs
        read -r -a way < <(head -n 1 <<<"$marked")
        STAGE=torn
        step "stop what runs" -- stop_everything || exit 1
        exchange "${way[@]}" || die "the data cannot be exchanged"
        say "the $([ "${way[0]}" = new ] && echo new || echo old) data is in force"
        ;;
    *)
        if in_helper 'ls -d /members/*/.restore/new' >/dev/null 2>&1; then
            say "the old data is in force"
        else
            say "the new data is in force"
        fi
        ;;
    esac
    in_helper 'rm -rf /members/*/.restore'
    STAGE=new
    step "start the stack" -- steady docker compose up --detach --wait --no-build --no-recreate || exit 1
    STAGE=over
}

# ---- what was asked for

COMMAND=${1:-}
WHAT=
RECIPIENTS=$(setting AGE_RECIPIENT)
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
    case $1 in
    --recipient)
        RECIPIENTS=${2:?who is it for? --recipient age1…}
        shift
        ;;
    *) WHAT=$1 ;;
    esac
    shift
done
# A file is named as its caller sees it.
file_named() { (cd "$FROM" && realpath --canonicalize-missing "$1"); }

case $COMMAND in
backup | rotate | list | restore | resume)
    have docker || die "there is no docker here"
    need_configuration
    [ "$COMMAND" = list ] || docker ps --quiet >/dev/null || exit 1
    ;;
esac
case $COMMAND in
backup) backup "${WHAT:+$(file_named "$WHAT")}" "$RECIPIENTS" ;;
rotate) rotate "${WHAT:-7}" "$RECIPIENTS" ;;
list) list ;;
restore)
    [ -n "$WHAT" ] || die "which file? make restore FILE=backups/….tar.gz (make backup-list)"
    restore "$(file_named "$WHAT")"
    ;;
resume) resume ;;
*)
    sed -n '2,20s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

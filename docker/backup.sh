#!/usr/bin/env bash
# `make backup` and `make restore`: the database as one archive, files included (they are in GridFS).
#
#   docker/backup.sh backup [FILE]     default wehpu-<date>.tar.gz
#   docker/backup.sh restore FILE      replaces all that is stored
#
# A backup stops one secondary, copies its data folder and starts it again: the copy is what a majority had a moment
# before, the service goes on with the other two. A restore stops the service, gives every member that copy and starts
# again. Needs nothing but the MongoDB image that runs anyway, and works with any. The archive holds personal data: its
# passwords are sealed, names and scores are not. It fits the version of MongoDB that it was made with.
# Works on whatever stack COMPOSE_FILE and COMPOSE_PROJECT_NAME name; its members are mongo1, mongo2, mongo3.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
cd "$WEHPU_ROOT" || exit 1

MEMBERS=(mongo1 mongo2 mongo3)
PATIENCE=120

container() { docker compose ps --all --quiet "$1" | head -n 1; }

# in_folder MEMBER CMD...: runs CMD in the member's image with its data folder and nothing else.
in_folder() {
    local of=$1 image
    shift
    image=$(docker inspect --format '{{.Config.Image}}' "$(container "$of")") || return 1
    docker run --rm --interactive --network none --user 999:999 --cap-drop ALL --volumes-from "$(container "$of")" \
        --entrypoint /bin/bash "$image" -c "cd /data/db && $*"
}

wait_healthy() {
    local deadline=$((SECONDS + PATIENCE))
    until [ "$(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")" 2>/dev/null)" = healthy ]; do
        [ "$SECONDS" -lt "$deadline" ] || die "$1 is not healthy after ${PATIENCE}s: docker compose logs $1"
        sleep 1
    done
}

backup() {
    local file=${1:-wehpu-$(date +%Y%m%d-%H%M%S).tar.gz} primary member status=0
    [ ! -e "$file" ] || die "$file exists"
    for member in "${MEMBERS[@]}"; do
        [ -n "$(docker compose ps --quiet "$member")" ] || die "$member does not run: a backup needs all three, so that two go on"
    done
    primary=$(docker compose run --rm --no-deps -T replset 2>/dev/null | sed -n 's/.*primary is \([a-z0-9]*\).*/\1/p' | tail -n 1)
    [ -n "$primary" ] || die "the set has no primary: docker compose run --rm replset"
    for member in "${MEMBERS[@]}"; do [ "$member" = "$primary" ] || break; done
    say "copy $member (the primary is $primary)"
    docker compose stop "$member" >/dev/null 2>&1 || die "$member cannot be stopped"
    # A partial file has another name, so that nobody takes it for a backup.
    (umask 077 && in_folder "$member" "tar --create --gzip --exclude=./diagnostic.data --exclude=./mongod.lock ." >"$file.partial") || status=1
    docker compose start "$member" >/dev/null 2>&1 || die "$member cannot be started again: docker compose up -d"
    [ "$status" = 0 ] && gzip --test "$file.partial" || die "the copy failed; $file.partial is not whole"
    mv "$file.partial" "$file"
    wait_healthy "$member"
    say "$file: $(du -h "$file" | cut -f 1); $member is back"
}

restore() {
    local file=$1 member stopped
    [ -r "$file" ] || die "$file cannot be read"
    gzip --test "$file" 2>/dev/null && tar --list --gzip --file "$file" | grep -x './WiredTiger' >/dev/null ||
        die "$file is no archive that docker/backup.sh made"
    # Whatever writes, and what would start it again.
    stopped=$(docker compose ps --services --status running | grep -vE '^(campus-sim|disk)$' | tr '\n' ' ')
    # shellcheck disable=SC2086
    docker compose stop $stopped >/dev/null 2>&1 || die "the stack cannot be stopped"
    for member in "${MEMBERS[@]}"; do
        step "$member gets the copy" -- bash -c '"$1" into "$2" <"$3"' - "$0" "$member" "$file" || die "$member has no whole copy; run the restore again"
    done
    step "start again" -- docker compose up --detach --wait --no-build || die "docker compose ps, docker compose logs"
    say "restored from $file"
}

case "${1:-}" in
backup) backup "${2:-}" ;;
restore)
    [ -n "${2:-}" ] || die "which file? make restore FILE=wehpu-….tar.gz"
    restore "$(realpath "$2")"
    ;;
into) in_folder "$2" "find . -mindepth 1 -delete; tar --extract --gzip" ;;
*)
    sed -n '2,12s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

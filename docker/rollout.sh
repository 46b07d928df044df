#!/usr/bin/env bash
# `make rollout`: replaces every engine by one of the present image and settings, one by one, without a gap.
#
#   docker/rollout.sh [--build]     --build: build the image first
#
# For each: a new engine starts beside the old ones and must get healthy and into the proxy's rotation; then an old one is
# told to stop, which takes it out of rotation, serves for 3 s more and finishes what runs. A new engine that does not get
# that far ends the rollout: it is removed, and the old ones that are left serve on. Migrations are applied first.
# Works on whatever stack COMPOSE_FILE and COMPOSE_PROJECT_NAME name.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/project.sh"
cd "$WEHPU_ROOT" || exit 1

# How long a new engine may take to get into rotation.
PATIENCE=${ROLLOUT_PATIENCE:-60}
# Longer than an engine's own drain (23 s).
STOP_AFTER=30

engines() { docker compose ps --quiet engine; }

# Engines in the proxy's rotation, as its statistics have it.
in_rotation() {
    docker compose exec -T haproxy bash -c \
        'exec 3<>/dev/tcp/127.0.0.1/8405; printf "show stat\n" >&3; timeout 3 cat <&3' 2>/dev/null |
        awk -F, '$1 == "engines" && $2 ~ /^engine/ && $18 ~ /^UP/ { n++ } END { print n + 0 }'
}

# scale NUMBER: that many engines; those that run are left alone.
scale() { docker compose up --detach --no-deps --no-recreate --no-build --scale engine="$1" engine; }

healthy() {
    local status
    status=$(docker inspect --format '{{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}' "$1" 2>/dev/null)
    [ "$status" = "running healthy" ]
}

give_up() {
    docker logs --tail 5 "$1" >&2
    docker rm --force "$1" >/dev/null
    die "$2; it is removed, the other engines serve on"
}

# replace OLD: one new engine, then OLD goes.
replace() {
    local old=$1 before new deadline=$((SECONDS + PATIENCE)) log
    before=$(engines)
    log=$(scale $((COUNT + 1)) 2>&1) || die "a new engine cannot be started: $(tail -n 1 <<<"$log")"
    new=$(engines | grep -vxF "$before" | head -n 1)
    [ -n "$new" ] || die "compose started no new engine"
    until healthy "$new"; do
        [ "$SECONDS" -lt "$deadline" ] || give_up "$new" "the new engine is not healthy after ${PATIENCE}s"
        sleep 0.5
    done
    until [ "$(in_rotation)" -gt "$COUNT" ]; do
        [ "$SECONDS" -lt "$deadline" ] || give_up "$new" "the new engine is not in rotation after ${PATIENCE}s"
        sleep 0.5
    done
    docker stop --time "$STOP_AFTER" "$old" >/dev/null && docker rm "$old" >/dev/null || die "${old:0:12} cannot be stopped"
    say "  • ${old:0:12} replaced by ${new:0:12} ($(docker inspect --format '{{.Image}}' "$new" | cut -c 8-19))"
}

need_configuration
case "${1:-}" in
--build) step "build the image" -- docker compose --progress plain build engine || die "the image cannot be built" ;;
"") ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

OLD=$(engines)
[ -n "$OLD" ] || die "no engine runs (make up)"
COUNT=$(wc -l <<<"$OLD")
[ "$(in_rotation)" -eq "$COUNT" ] || die "not every engine is in rotation: $(in_rotation) of $COUNT; make ps"
step "apply pending migrations" -- docker compose run --rm --no-deps -T migrate || die "migrations failed, nothing was replaced"
say "replace $COUNT engines"
for old in $OLD; do replace "$old"; done
say "rollout done"

#!/usr/bin/env bash
# `make rollout`: brings engines and spider to the present image and settings, engines one by one, without a gap.
#
#   docker/rollout.sh                 with the image that is there
#   docker/rollout.sh --build         builds the image first
#   docker/rollout.sh --image IMAGE   with this image, also an older one; it is kept in .env as WEHPU_ENGINE_IMAGE
#
# First the one-shots run (database users, migrations). Then for each engine: a new one starts beside the old ones and must
# get healthy and into the proxy's rotation; then an old one is told to stop, which takes it out of rotation, serves for 3 s
# more and finishes what runs. A new engine that does not get that far ends the rollout: it is removed, and the old ones
# that are left serve on. The spider follows last. Afterwards "docker compose up -d" has nothing to change.
# Works on whatever stack COMPOSE_FILE and COMPOSE_PROJECT_NAME name.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/project.sh"
cd "$WEHPU_ROOT" || exit 1

# How long a new engine may take to get into rotation.
PATIENCE=${ROLLOUT_PATIENCE:-60}
# Longer than an engine's own drain (23 s).
STOP_AFTER=30
# Where compose reads what is not exported.
SETTINGS=$(env_files | tail -n 1)

engines() { docker compose ps --quiet engine; }

# add ARGUMENTS...: what is missing is made, what runs is left alone. Not with --no-deps: compose would note the services as
# ones without dependencies, and the next "up" would recreate them for that difference.
add() { docker compose up --detach --no-recreate --no-build "$@"; }

# again SERVICE...: new containers for these, and only these.
again() { docker compose rm --force --stop "$@" >/dev/null && add "$@"; }

# run_to_end SERVICE: its exit code.
run_to_end() {
    local container
    container=$(docker compose ps --all --quiet "$1") && [ -n "$container" ] || return 1
    [ "$(docker wait "$container")" = 0 ] || { docker logs --tail 20 "$container"; return 1; }
}

one_shots() { again replset migrate && run_to_end migrate; }

healthy() {
    local status
    status=$(docker inspect --format '{{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}' "$1" 2>/dev/null)
    [ "$status" = "running healthy" ]
}

give_up() {
    docker logs --tail 5 "$1" >&2
    docker rm --force "$1" >/dev/null
    fail "$2; it is removed, the other engines serve on"
}

# replace OLD: one new engine, then OLD goes.
replace() {
    local old=$1 before new deadline=$((SECONDS + PATIENCE)) log
    before=$(engines)
    log=$(add --scale engine=$((COUNT + 1)) engine 2>&1) || fail "a new engine cannot be started: $(tail -n 1 <<<"$log")"
    new=$(engines | grep -vxF "$before" | head -n 1)
    [ -n "$new" ] || fail "compose started no new engine"
    until healthy "$new"; do
        [ "$SECONDS" -lt "$deadline" ] || give_up "$new" "the new engine is not healthy after ${PATIENCE}s"
        sleep 0.5
    done
    until [ "$(in_rotation)" -gt "$COUNT" ]; do
        [ "$SECONDS" -lt "$deadline" ] || give_up "$new" "the new engine is not in rotation after ${PATIENCE}s"
        sleep 0.5
    done
    docker stop -t "$STOP_AFTER" "$old" >/dev/null && docker rm "$old" >/dev/null || fail "${old:0:12} cannot be stopped"
    say "  • ${old:0:12} replaced by ${new:0:12} ($(docker inspect --format '{{.Image}}' "$new" | cut -c 8-19))"
}

# set_image [IMAGE]: what the next command of compose takes; nothing: its default.
set_image() {
    local rest
    rest=$(grep -v '^WEHPU_ENGINE_IMAGE=' "$SETTINGS" 2>/dev/null)
    printf '%s' "${rest:+$rest$'\n'}" >"$SETTINGS.new" || return 1
    [ -z "$1" ] || printf 'WEHPU_ENGINE_IMAGE=%s\n' "$1" >>"$SETTINGS.new" || return 1
    [ ! -e "$SETTINGS" ] || chmod --reference "$SETTINGS" "$SETTINGS.new"
    mv "$SETTINGS.new" "$SETTINGS"
}

# fail TEXT...: as die; an image that does not work is not kept.
fail() {
    if [ -n "$IMAGE" ]; then
        set_image "$FORMER"
        warn "$SETTINGS names the former image again (${FORMER:-the default}); engines that were replaced keep the new one"
    fi
    die "$*"
}

# A line for each service: its name, and the hash that compose gives its containers. Of what compose made of the files: of
# the files themselves it counts env_file as well, which the containers' hash does not.
hashes() { docker compose config | docker compose --file - config --hash '*'; }

# Services whose containers are not as the settings say: what the next "docker compose up -d" replaces.
outdated() {
    local name hash container image
    while read -r name hash; do
        image=$(docker image inspect --format '{{.Id}}' "$(image_of "$name")" 2>/dev/null)
        for container in $(docker compose ps --all --quiet "$name"); do
            [ "$(docker inspect --format '{{index .Config.Labels "com.docker.compose.config-hash"}} {{.Image}}' "$container")" = "$hash $image" ] ||
                { echo "$name"; break; }
        done
    done < <(hashes)
}

IMAGE=
FORMER=
need_configuration
case "${1:-}" in
--build) step "build the image" -- docker compose --progress plain build engine || die "the image cannot be built" ;;
--image)
    IMAGE=${2:-}
    [ -n "$IMAGE" ] || die "which image? docker/rollout.sh --image wehpu-engine:2026-11-17"
    [ -z "${WEHPU_ENGINE_IMAGE:-}" ] || [ "$WEHPU_ENGINE_IMAGE" = "$IMAGE" ] ||
        die "WEHPU_ENGINE_IMAGE is exported as $WEHPU_ENGINE_IMAGE and would win over $SETTINGS: unset it, then again"
    docker image inspect "$IMAGE" >/dev/null 2>&1 || docker pull --quiet "$IMAGE" ||
        die "there is no image $IMAGE here: docker image ls"
    FORMER=$(sed -n 's/^WEHPU_ENGINE_IMAGE=//p' "$SETTINGS" 2>/dev/null | tail -n 1)
    set_image "$IMAGE" || die "$SETTINGS cannot be written"
    ;;
"")
    [ -z "${WEHPU_ENGINE_IMAGE:-}" ] || grep -qxF "WEHPU_ENGINE_IMAGE=$WEHPU_ENGINE_IMAGE" "$SETTINGS" 2>/dev/null ||
        warn "WEHPU_ENGINE_IMAGE is set in this shell alone: from another one compose takes the former image again (--image keeps it)"
    ;;
*)
    sed -n '2,13s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

OLD=$(engines)
[ -n "$OLD" ] || fail "no engine runs (make up)"
COUNT=$(wc -l <<<"$OLD")
[ "$(in_rotation)" -eq "$COUNT" ] || fail "not every engine is in rotation: $(in_rotation) of $COUNT; make ps"
for member in "${MEMBERS[@]}"; do
    # Compose would start it; a backup may be copying its data.
    [ -n "$(docker compose ps --quiet "$member")" ] || fail "$member does not run: start it first, or wait until the backup is done"
done
step "database users and pending migrations" -- one_shots || fail "nothing was replaced"
say "replace $COUNT engines"
for old in $OLD; do replace "$old"; done
step "replace the spider" -- again spider || die "the engines are replaced, the spider is not: docker compose logs spider"
LEFT=$(outdated | grep -v '^campus-sim$' | paste -sd ' ')
[ -z "$LEFT" ] ||
    warn "started with other settings than those of now, and left alone: $LEFT. \"docker compose up -d\" restarts them, and all engines with them, at once"
say "rollout done"

#!/usr/bin/env bash
# `make replace-member MEMBER=mongo2`: a member of the database whose data is damaged or lost is copied again from the
# others. Its container and its volume are removed and made again; the service goes on meanwhile.
#
#   docker/replace-member.sh MEMBER      mongo1, mongo2 or mongo3
#
# Only when the two others are well, without it: one of them the primary, the other a secondary. REPLACE_PATIENCE: how
# many seconds the copying may take (3600). Nothing is lost when it takes longer, or when this is interrupted.
# Works on whatever stack COMPOSE_FILE and COMPOSE_PROJECT_NAME name.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/project.sh"
cd "$WEHPU_ROOT" || exit 1

MEMBER=${1:-}
PATIENCE=${REPLACE_PATIENCE:-3600}
[[ " ${MEMBERS[*]} " == *" $MEMBER "* && $MEMBER != *' '* ]] || die "which member? one of: ${MEMBERS[*]}"
have docker || die "there is no docker here"
need_configuration

# The roles of the others: "primary secondary" is what is wanted.
others() {
    local member
    for member in "${MEMBERS[@]}"; do
        [ "$member" = "$MEMBER" ] || role "$member" || echo "neither ($member)"
    done | sort | paste -sd ' '
}

# Within a minute the others are a primary and a secondary: an election takes some seconds.
others_are_well() {
    local deadline=$((SECONDS + 60))
    until [ "$(others)" = "primary secondary" ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 1
    done
}

stop_member() {
    local id
    id=$(containers "$MEMBER")
    [ -z "$id" ] || docker stop -t 30 "$id"
}

copied() {
    local deadline=$((SECONDS + PATIENCE))
    until [ "$(docker inspect --format '{{.State.Health.Status}}' "$(container "$MEMBER")")" = healthy ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        [ "$(docker inspect --format '{{.RestartCount}}' "$(container "$MEMBER")")" -lt 3 ] || return 1
        sleep 1
    done
}

docker inspect "$PROJECT-copy" >/dev/null 2>&1 && die "a backup or restore of $PROJECT is at work (container $PROJECT-copy)"
case $(others) in
"primary secondary" | "secondary secondary") ;;
*) die "the two others are not well: $(others). Nothing was changed; what is damaged cannot be copied from them" ;;
esac
say "$MEMBER of project $PROJECT is rebuilt from the two others"
step "stop $MEMBER" -- stop_member || exit 1
if ! others_are_well; then
    docker start "$(container "$MEMBER")" >/dev/null 2>&1
    die "without $MEMBER the others do not go on ($(others)); it runs again, nothing was changed"
fi
VOLUME=$(docker inspect --format '{{range .Mounts}}{{if eq .Destination "/data/db"}}{{.Name}}{{end}}{{end}}' "$(container "$MEMBER")" 2>/dev/null)
VOLUME=${VOLUME:-$(docker volume ls --quiet --filter "$(of_project)" --filter "label=com.docker.compose.volume=$MEMBER")}
step "remove its container and its volume ${VOLUME:-(it has none)}" -- docker compose rm --stop --force "$MEMBER" || exit 1
if [ -n "$VOLUME" ]; then
    WHY=$(docker volume rm "$VOLUME" 2>&1) || die "the volume $VOLUME cannot be removed: $WHY"
fi
step "make it again" -- docker compose up --detach --no-deps --no-build "$MEMBER" || exit 1
step "it copies the data of the others" -- copied ||
    die "$MEMBER is not there yet: docker compose logs $MEMBER; the two others serve on"
say "$MEMBER is $(role "$MEMBER")"

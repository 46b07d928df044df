#!/usr/bin/env bash
# `make rehearse`: what an operator of production does, walked through on this machine as OPERATIONS.md says it, against the
# simulated campus (docker/prod-sim). Students read through the proxy's HTTPS all the time; each step prints how many of
# their requests failed. A step that has to be without a gap fails with the first of them.
#
#   docker/rehearse.sh           everything
#   docker/rehearse.sh short     several changed settings in one rollout: for .ci/run
#
# A project of its own, removed with its data at the end. KEEP=yes leaves it running.
# REHEARSAL_USER: who makes the secrets; needs root and the group docker (default: made and removed here, where root runs this).
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/project.sh"
. "$WEHPU_ROOT/docker/rehearsal.sh"
cd "$WEHPU_ROOT" || exit 1

FORM=${1:-long}
[[ $FORM == short || $FORM == long ]] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
DIR=$WEHPU_STATE/rehearsal
export PROD_SIM_DIR=$DIR PROD_SIM_PORT=${PROD_SIM_PORT:-18481} PROD_SIM_HTTPS_PORT=${PROD_SIM_HTTPS_PORT:-18444}
export COMPOSE_PROJECT_NAME=wehpu-rehearsal COMPOSE_ENV_FILES=$DIR/env CURL_CA_BUNDLE=$DIR/proxy-ca.pem
export WEHPU_BACKUP_DIR=$DIR/backups
# This machine may have other things to do.
export ROLLOUT_PATIENCE=${ROLLOUT_PATIENCE:-180}
URL=https://localhost:$PROD_SIM_HTTPS_PORT
SECRETS=$DIR/secrets
# Students that read at the same time.
READERS=3
LOAD=$DIR/load
KEPT="export COMPOSE_PROJECT_NAME=$COMPOSE_PROJECT_NAME COMPOSE_ENV_FILES=$COMPOSE_ENV_FILES"

remove_all() {
    [ ! -e "$DIR/env" ] || docker compose down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1
    [ -z "${MADE_USER:-}" ] || userdel "$MADE_USER" 2>/dev/null
    docker rmi wehpu-engine:rehearsal-former >/dev/null 2>&1
    rm -rf "$DIR"
}

# ---- students who read

# read_on NUMBER: a line for each request: seconds since 1970, status, seconds it took.
read_on() {
    local paths=(/api/user /api/course /api/score /api/calendar) i=0
    while :; do
        curl -s -o /dev/null --max-time 10 -H "Authorization: Bearer $TOKEN" \
            -w '%{http_code} %{time_total}\n' "$URL${paths[i++ % ${#paths[@]}]}" | sed "s/^/$EPOCHREALTIME /" >>"$LOAD.$1"
        sleep 0.2
    done
}
start_reading() {
    local i
    for i in $(seq "$READERS"); do beside read_on "$i" 2>/dev/null; done
}

# answered SINCE: how many of the requests begun since then were answered with 200, and how many were not.
answered() { cat "$LOAD".[0-9]* 2>/dev/null | awk -v since="$1" '$1 >= since { all++; if ($2 != 200) failed++ } END { print all + 0, failed + 0 }'; }

# act TEXT [gap] -- COMMAND...: a step. "gap": requests may fail meanwhile, and are counted all the same.
act() {
    local text=$1 gap=no since all failed begun=$SECONDS
    shift
    [ "$1" != gap ] || { gap=yes; shift; }
    shift
    since=$EPOCHREALTIME
    step "$text" -- "$@" || exit 1
    # The last requests are still under way.
    sleep 1
    read -r all failed < <(answered "$since")
    printf '%-58s %4ss  %6s requests, %s failed\n' "$text" $((SECONDS - begun)) "$all" "$failed" >>"$DIR/table"
    [ "$failed" = 0 ] || [ "$gap" = yes ] || {
        cat "$LOAD".[0-9]* | awk -v since="$since" '$1 >= since && $2 != 200' | sort | head -n 5 >&2
        die "$text: $failed of $all requests failed"
    }
}

# refused TEXT PATTERN COMMAND...: fails, and says PATTERN.
refused() {
    local text=$1 pattern=$2 said
    shift 2
    said=$("$@" 2>&1 </dev/null) && die "$text: was done"
    grep -qE "$pattern" <<<"$said" || die "$text: does not say $pattern but: $(tail -n 3 <<<"$said")"
    printf '%-58s        refused: %s\n' "$text" "$(grep -E "$pattern" <<<"$said" | head -n 1 | cut -c 1-90)" >>"$DIR/table"
}

# ---- steps

as_operator() {
    if [ -n "${REHEARSAL_USER:-}" ]; then
        runuser -u "$REHEARSAL_USER" -- "$@"
    else
        "$@"
    fi
}

make_operator() {
    [ -z "${REHEARSAL_USER:-}" ] && is_root && getent group docker >/dev/null || return 0
    REHEARSAL_USER=wehpu-rehearsal
    id "$REHEARSAL_USER" >/dev/null 2>&1 || { useradd --no-create-home --groups docker "$REHEARSAL_USER" && MADE_USER=$REHEARSAL_USER; }
    chown "$REHEARSAL_USER" "$DIR"
}

secrets_are_private() {
    local open
    open=$(find "$SECRETS" -type f -perm /007)
    [ -z "$open" ] || { echo "others may read: $open"; return 1; }
    [ "$(stat --format '%u:%g %a' "$SECRETS/keyfile")" = "999:10001 440" ] || { stat "$SECRETS/keyfile"; return 1; }
}

# replace_secret NAME: takes the new value from standard input, as OPERATIONS.md says it.
replace_secret() { as_operator docker/make-secrets.sh "$SECRETS" "$1"; }
secret() { docker run --rm --network none --user 0:0 --mount "type=bind,source=$SECRETS,target=/secrets,readonly" --entrypoint cat "$MONGO_IMAGE" "/secrets/$1"; }

ids() { docker compose ps --all --quiet --no-trunc engine spider haproxy mongo1 mongo2 mongo3 campus-sim | sort; }

up_changes_nothing() {
    local before
    before=$(ids)
    docker compose up --detach --wait --no-build || return 1
    [ "$(ids)" = "$before" ] || { echo "containers were recreated:"; diff <(echo "$before") <(ids); return 1; }
}

setting_is() { sed -i "s|^$1=.*|$1=$2|" "$DIR/env"; }

new_term() { setting_is WEHPU_TERM_WEEKS 18; }
term_is_new() {
    [ "$(curl -s -H "Authorization: Bearer $TOKEN" "$URL/api/calendar" | grep -oE '"totalWeekly": ?[0-9]+' | grep -oE '[0-9]+')" = 18 ]
}

rollback() {
    local image
    docker/rollout.sh --image wehpu-engine:rehearsal-former || return 1
    grep -x WEHPU_ENGINE_IMAGE=wehpu-engine:rehearsal-former "$DIR/env" || return 1
    image=$(docker image inspect --format '{{.Id}}' wehpu-engine:rehearsal-former)
    for id in $(containers engine spider); do
        [ "$(docker inspect --format '{{.Image}}' "$id")" = "$image" ] || { echo "$id has another image"; return 1; }
    done
}
forward() { docker/rollout.sh --image "$ENGINE_IMAGE"; }

scale() { docker compose up --detach --wait --no-build --scale engine="$1" && [ "$(containers engine | wc -l)" = "$1" ]; }

serial() { openssl s_client -connect "localhost:$PROD_SIM_HTTPS_PORT" </dev/null 2>/dev/null | openssl x509 -noout -serial; }

new_certificate() {
    local before key=$DIR/new.key
    before=$(serial)
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$key" -out "$DIR/new-ca.pem" 2>/dev/null
    # At once: the readers' programs read it for each request.
    cat "$DIR/proxy-ca.pem" "$DIR/new-ca.pem" >"$DIR/both.pem" && mv "$DIR/both.pem" "$DIR/proxy-ca.pem"
    cat "$DIR/new-ca.pem" "$key" | replace_secret tls.pem || return 1
    docker/reload.sh || return 1
    [ "$(serial)" != "$before" ] || { echo "the former certificate is still served"; return 1; }
}
broken_certificate() { head -c 300 "$DIR/new-ca.pem" | replace_secret tls.pem >/dev/null && docker/reload.sh; }
mend_certificate() { cat "$DIR/new-ca.pem" "$DIR/new.key" | replace_secret tls.pem && docker/reload.sh; }

rekey() { docker compose run --rm --no-deps -T engine rekey "$@"; }
new_key() {
    FORMER_KEY=$(secret credential_keys)
    { docker/make-secrets.sh key | tr -d '\n'; printf ',%s' "$FORMER_KEY"; } | replace_secret credential_keys
}
reseal() {
    rekey --dry-run | tee /dev/stderr | grep -q "key ${FORMER_KEY%%:*} is still needed" || return 1
    rekey | tee /dev/stderr | grep -q "key ${FORMER_KEY%%:*} is not needed any more"
}
remove_former_key() {
    secret credential_keys | cut -d , -f 1 | tr -d '\n' | replace_secret credential_keys
    docker/rollout.sh && rekey
}

new_database_user() {
    secret mongodb_uri | sed "s|//engine:[^@]*@|//engine2:$(openssl rand -hex 24)@|" | tr -d '\n' | replace_secret mongodb_uri
}
drop_former_user() {
    docker compose run --rm --no-deps -T replset replset drop-user engine --key-file /wehpu/keyfile | grep 'user engine is removed'
}

# rolled_out STEP... -- STEP...: those before a rollout, and those after it.
rolled_out() {
    while [ "$1" != -- ]; do "$1" || return 1; shift; done
    shift
    docker/rollout.sh || return 1
    while [ $# -gt 0 ]; do "$1" || return 1; shift; done
}

new_jwt_secret() { openssl rand -base64 48 | tr -d '\n' | replace_secret jwt_secret; }

log_in() { log_in_with "sim-rehearsal-$RANDOM$RANDOM"; }

wait_for_answer() {
    local deadline=$((SECONDS + 120))
    until [ "$(request -w '%{http_code}' --max-time 5 "$URL/api/user")" = 200 ]; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "no answer after two minutes"; return 1; }
        sleep 0.5
    done
}

damaged_member() {
    local volume
    volume=$(docker volume ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter label=com.docker.compose.volume=mongo2)
    docker compose down --timeout 30 || return 1
    docker run --rm --network none --user 999:999 --volume "$volume:/data/db" --entrypoint /bin/bash "$MONGO_IMAGE" \
        -c 'for file in /data/db/WiredTiger* /data/db/*.wt; do echo damaged >"$file"; done' || return 1
    docker/stack.sh up || return 1
    wait_for_answer
}

# ---- the walk

have openssl || install_packages openssl curl || die "openssl and curl are needed"
begin
remove_all
mkdir -p "$DIR"
make_operator
as_operator env PROD_SIM_DIR="$DIR" docker/prod-sim/up.sh prepare >/dev/null || die "secrets and settings cannot be made"
# What stands in that file is what counts; few students read much here.
unset WEHPU_ENGINE_IMAGE WEHPU_SIM_IMAGE
echo WEHPU_LIMIT_BURST=100000/1m >>"$DIR/env"
ENGINE_IMAGE=$(setting WEHPU_ENGINE_IMAGE)
need_configuration
MONGO_IMAGE=$(image_of mongo1)
secrets_are_private || die "the secrets of ${REHEARSAL_USER:-this user} are not private"
printf '%-58s        by %s, none readable by others\n' "secrets" "${REHEARSAL_USER:-$(id -un)}" >"$DIR/table"

step "up: three engines, HTTPS, the production profile" -- docker/stack.sh up || exit 1
# A former release: another image, the same program.
printf 'FROM %s\nLABEL wehpu.rehearsal=former\n' "$ENGINE_IMAGE" | docker build --quiet --tag wehpu-engine:rehearsal-former - >/dev/null ||
    die "the former image cannot be made"
log_in
bind_student 1
for path in /api/course /api/score; do request "$URL$path"; done
start_reading

if [ "$FORM" = short ]; then
    act "a new term, key and database user in one rollout" -- \
        rolled_out new_term new_key new_database_user -- term_is_new reseal drop_former_user
else
    act "a new term" -- rolled_out new_term -- term_is_new
    act "a new credential key" -- rolled_out new_key -- reseal
    act "the former key removed" -- remove_former_key
    act "a new database user and password" -- rolled_out new_database_user -- drop_former_user
fi
act "docker compose up -d afterwards: the same containers" -- up_changes_nothing
act "rollback to the former image" -- rollback
act "docker compose up -d afterwards: the same containers " -- up_changes_nothing
act "forward again" -- forward
act "five engines" -- scale 5
act "three engines" -- scale 3
act "a renewed certificate" -- new_certificate
refused "a broken certificate" "tls.pem" broken_certificate
act "the certificate mended" -- mend_certificate
act "backup" -- docker/backup.sh backup
BACKUP=$(echo "$WEHPU_BACKUP_DIR"/*.tar.gz)
refused "restore without a confirmation" "CONFIRM=" docker/backup.sh restore "$BACKUP"
act "restore" gap -- env CONFIRM=$COMPOSE_PROJECT_NAME docker/backup.sh restore "$BACKUP"
act "down, a member's data destroyed, up: the others serve" gap -- damaged_member
docker compose logs --no-log-prefix replset 2>&1 | grep '^warning' >>"$DIR/table"
act "that member rebuilt" -- docker/replace-member.sh mongo2
end_beside
if [ "$FORM" = long ]; then
    step "a new JWT secret: everybody logs in again" -- rolled_out new_jwt_secret -- || exit 1
    log_in
fi
refused "make clean without a confirmation" "CONFIRM=" docker/stack.sh clean
say ""
cat "$DIR/table"
say "rehearsal passed in $((SECONDS - BEGUN))s"

#!/usr/bin/env bash
# `make fuzz`: requests made up from the API's own description, good and bad ones, against the
# whole stack (own compose project, own port, no limits per user). No answer may be a 5xx, and
# every answer has to be as the description says. Needs python3 and a package index.
#
#   tests/fuzz/run.sh [schemathesis arguments]     e.g. -n 500
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. docker/progress.sh
# What fits each other: the configuration file is of this version.
SCHEMATHESIS=4.32.5
export COMPOSE_PROJECT_NAME=wehpu-fuzz WEHPU_HTTP_PORT=${WEHPU_FUZZ_PORT:-8090} WEHPU_SCHOOL=hpu-urp DOCKER_BUILDKIT=1
URL=http://127.0.0.1:$WEHPU_HTTP_PORT
WORK=$WEHPU_STATE/fuzz
VENV=$WORK/venv
mkdir -p "$WORK"

COMPOSE=(docker compose -f docker-compose.yml)
[ -f docker-compose.override.yml ] && COMPOSE+=(-f docker-compose.override.yml)
COMPOSE+=(-f tests/fuzz/compose.yml)
# ENGINE, for the scripts below: containers only.
docker/bootstrap/engine.sh up && docker/bootstrap/images.sh || die "the fuzzing needs a Docker engine"
trap '"${COMPOSE[@]}" down --volumes --remove-orphans >/dev/null 2>&1' EXIT

if ! "$VENV/bin/schemathesis" --version 2>/dev/null | grep -q "$SCHEMATHESIS"; then
    have python3 && python3 -c 'import venv, ensurepip' 2>/dev/null || install_packages python3 python3-venv || exit 1
    step "install schemathesis" -- bash -c 'python3 -m venv "$1" && "$1/bin/pip" install --quiet "schemathesis==$2"' - "$VENV" "$SCHEMATHESIS" ||
        die "schemathesis cannot be installed"
fi

collected() {
    local deadline=$((SECONDS + 180))
    until [ "$("${COMPOSE[@]}" exec -T spider /wehpu-engine spider --list | grep -cE '^(news|logistics|bulletin) .* done ')" = 3 ]; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "the spider does not complete its jobs"; return 1; }
        sleep 1
    done
}

"${COMPOSE[@]}" config --quiet || die "the settings cannot be read"
"${COMPOSE[@]}" down --volumes --remove-orphans >/dev/null 2>&1
step "build the images" -- "${COMPOSE[@]}" --progress plain build || exit 1
step "start the stack" -- "${COMPOSE[@]}" up --wait || exit 1
step "articles: the spider collects those of the simulated campus" -- collected || exit 1
"${COMPOSE[@]}" run --rm --no-deps -T migrate openapi 2>/dev/null >"$WORK/openapi.json" || die "no description"

# What exists: an article, a file, so that requests made up reach more than «not found».
field() { sed -n "s/.*\"$1\": *\[\{0,1\}\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }
TOKEN=$(curl -s "$URL/api/login" -d "code=sim-fuzz-0" | field token)
[ -n "$TOKEN" ] || die "no token"
ask() { curl -s -H "Authorization: Bearer $TOKEN" "$@"; }
ask "$URL/api/rss/news?count=1" | field _id | sed 's/.*/"&"/' >"$WORK/articles.txt"
printf 'GIF89a\1\0\1\0\0\0\0;' >"$WORK/dot.gif"
ask "$URL/api/upload" -F folder=feedback -F prefix=fuzz -F "file=@$WORK/dot.gif" | field url | sed 's|.*/\(.*\)|"\1"|' >"$WORK/files.txt"
[ -s "$WORK/articles.txt" ] && [ -s "$WORK/files.txt" ] || die "no article or no file to ask for"
cp tests/fuzz/schemathesis.toml "$WORK/"

STATUS=0
(cd "$WORK" && FUZZ_URL=$URL SCHEMATHESIS_HOOKS=$WEHPU_ROOT/tests/fuzz/hooks.py \
    "$VENV/bin/schemathesis" --config-file schemathesis.toml run openapi.json --url "$URL" --no-color "$@") || STATUS=$?

# The service must have got through it without a panic, a restart, or an answer it was sorry for.
LOGS=$("${COMPOSE[@]}" logs --no-color engine 2>/dev/null)
if grep -E 'panicked|"level":"ERROR"' <<<"$LOGS" | head -n 5 | grep .; then
    warn "the engines logged errors"
    STATUS=1
fi
exit "$STATUS"

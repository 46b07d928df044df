#!/usr/bin/env bash
# A student's first day against the running stack, through the proxy: one line per step, exit 1
# at the first that is not as it should be. Needs curl, grep and sed only.
#
#   docker/smoke.sh [URL]     default http://127.0.0.1 and the port WEHPU_HTTP_PORT, also of .env (8080)
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/school.sh"

have curl || install_packages curl || die "the smoke run needs curl"
need_settings
PORT=$(setting WEHPU_HTTP_PORT 8080)
URL=${1:-http://127.0.0.1:${PORT##*:}}
# A WeChat user nobody was before, and one of the simulator's 400 students.
OPENID=smoke$(date +%s)$RANDOM
INDEX=$(printf '%06d' $((RANDOM % 300 + 100)))
be_student "$INDEX"
TOKEN=
STATUS=
BODY=
HEADERS=

# call METHOD PATH [curl arguments]: fills STATUS, BODY, HEADERS.
call() {
    local method=$1 path=$2 answer
    shift 2
    answer=$(curl -sS --max-time 30 -i -X "$method" ${TOKEN:+-H "Authorization: Bearer $TOKEN"} "$@" "$URL$path") || answer=
    answer=${answer//$'\r'/}
    HEADERS=${answer%%$'\n\n'*}
    BODY=${answer#*$'\n\n'}
    STATUS=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' <<<"$HEADERS")
}

# "key": "value" or "key": number out of BODY, first one.
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" <<<"$BODY" | head -n 1; }

miss() {
    printf 'MISS  %s\n' "$1"
    printf '      status %s\n%s\n' "${STATUS:-none}" "$(cut -c 1-600 <<<"$BODY" | sed 's/^/      /')"
    exit 1
}

# expect TEXT STATUS [extended regular expression in the body]...
expect() {
    local text=$1 status=$2 pattern
    shift 2
    [ "$STATUS" = "$status" ] || miss "$text: expected status $status"
    for pattern in "$@"; do
        grep -qE -- "$pattern" <<<"$BODY" || miss "$text: expected $pattern"
    done
    printf 'ok    %s\n' "$text"
}

say "smoke run against $URL, school $SCHOOL"
call GET /
expect "the service names itself at /" 200 '<html'

# An engine that was away gets its turn late: the proxy keeps the place that it had in the round (some twenty requests).
SERVED=
for _ in {1..60}; do
    call GET /
    SERVED=$(sort -u <<<"$SERVED
$(sed -n 's/^x-served-by: *//Ip' <<<"$HEADERS")" | sed '/^$/d')
    [ "$(wc -l <<<"$SERVED")" -lt 3 ] || break
done
[ "$(wc -l <<<"$SERVED")" -ge 3 ] || { BODY=$SERVED; miss "three engines answer in turn"; }
say "ok    three engines answer in turn ($(paste -sd ' ' <<<"$SERVED"))"

call GET /api/app
expect "the service names its school" 200 "\"school\": ?\{\"id\": ?\"$SCHOOL\""
OFFERED=$BODY

call GET /api/no-such-call
expect "an unknown path is 404 in the envelope" 404 '"statusCode": ?404' '"errMsg"' '"code"'

# Byte for byte: curl would encode it. Only where the proxy speaks clear text.
if [[ $URL == http://* ]]; then
    ADDRESS=${URL#http://}
    ADDRESS=${ADDRESS%%/*}
    exec 3<>"/dev/tcp/${ADDRESS%:*}/${ADDRESS##*:}"
    printf 'GET /api/user/张三 HTTP/1.1\r\nhost: smoke\r\nconnection: close\r\n\r\n' >&3
    BODY=$(timeout 10 cat <&3)
    exec 3>&-
    STATUS=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' <<<"$BODY")
    expect "raw UTF-8 in a path is 400 in the envelope" 400 '"statusCode": ?400' '"code"'
fi

TOKEN=not-a-token
call GET /api/user
expect "a wrong token is 403 in the envelope" 403 '"statusCode": ?403' '"code"'
TOKEN=

call POST /api/login -d code=nonsense
expect "a code WeChat does not know is refused" 400 '"statusCode": ?400' '"code"'

call POST /api/login -d "code=sim-$OPENID-1"
expect "first login of a WeChat user is 201 with a token" 201 '"token"' '"bind": ?false'
TOKEN=$(field token)

call GET /api/course
expect "no course table before binding" 400 'NOT_BOUND'

call POST /api/bind -d "studentId=$STUDENT" "${WRONG[@]/#/-d}"
expect "a wrong password is named" 400 "$REFUSED"

call POST /api/bind -d "studentId=$STUDENT" "${RIGHT[@]/#/-d}"
expect "binding student $STUDENT works" 201 '"vpn": ?true' '"jwc": ?true'

call GET /api/user
expect "the user is that student" 200 "\"studentId\": ?\"$STUDENT\"" '"bind": ?true'

call GET /api/course
expect "the course table" 200 '"mon"' '"sun"' '"oth"' '"name"' '"fetchedAt"'

# Where the academic system tells the term, one engine has just stored it; another may ask a member that lags.
for _ in {1..10}; do
    call GET /api/calendar
    [[ $BODY == *TERM_UNKNOWN* ]] || break
    sleep 1
done
expect "the calendar" 200 '"currentTerm"' '"totalWeekly": ?[0-9]' '"currentWeekly": ?[0-9]'

if [[ $OFFERED != *'"physical"'* ]]; then
    call GET /api/physical
    expect "what the school does not have is 404" 404 NOT_OFFERED
fi

call POST /api/login -H 'content-type: application/json' -d "{\"code\":\"sim-$OPENID-2\"}"
expect "second login (JSON) is 200 and still bound" 200 '"token"' '"bind": ?true'

call GET /api/user -H 'x-request-id: smoke-1'
grep -qi '^x-request-id: smoke-1$' <<<"$HEADERS" || miss "the request id comes back"
say "ok    the request id comes back"

for path in /metrics /readyz /livez; do
    call GET "$path"
    [ "$STATUS" = 404 ] || miss "$path is not reachable through the proxy"
done
say "ok    health and metrics are not reachable through the proxy"

if [ "${ENGINE:-}" != none ] && [ "$("$WEHPU_ROOT/docker/bootstrap/engine.sh" status)" = ready ]; then
    cd "$WEHPU_ROOT" || exit 1
    if [ -n "$(docker compose ps --quiet 2>/dev/null)" ]; then
        BODY=$(docker compose ps --format '{{.Name}} {{.Status}}')
        STATUS=
        if grep -qv '(healthy)' <<<"$BODY"; then miss "every running container is healthy"; fi
        say "ok    every one of the $(wc -l <<<"$BODY") running containers is healthy"
    fi
fi
say "smoke run passed"

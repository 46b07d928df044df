#!/usr/bin/env bash
# `make rehearse-alarms`: every alarm of docker/prometheus/alerts.yml raised in a running stack by what it is there for, seen
# by a real Prometheus that runs as OPERATIONS.md says, and cleared by what ends it. Prints a table. Needs cargo as well: a
# program of tests/cluster makes the articles that are searched.
#
#   docker/rehearse-alarms.sh [ALARM…]       only these
#
# So that it takes minutes and not days, the rules are a copy with shorter times: every range, every "for" and the two days
# of SpiderFails. The times themselves are tried by docker/prometheus/alerts.test.yml.
# A project of its own, removed with its data at the end. KEEP=yes leaves it running, BUILD=no takes the images that are there.
# ALARMS_PORT, ALARMS_SIM_PORT, ALARMS_PROMETHEUS_PORT: 18490, 18491, 18492.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/bootstrap/prometheus.sh"
. "$WEHPU_ROOT/docker/bootstrap/toolchain.sh"
. "$WEHPU_ROOT/docker/project.sh"
. "$WEHPU_ROOT/docker/rehearsal.sh"
cd "$WEHPU_ROOT" || exit 1

[[ ${1:-} != -* ]] || { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }
ONLY=" $* "
DIR=$WEHPU_STATE/alarms
export COMPOSE_PROJECT_NAME=wehpu-alarms
export COMPOSE_FILE=docker-compose.yml:docker/compose.alarms.yml
export WEHPU_SCHOOL=hpu-urp WEHPU_HTTP_PORT=${ALARMS_PORT:-18490} ALARMS_SIM_PORT=${ALARMS_SIM_PORT:-18491}
PROMETHEUS_PORT=${ALARMS_PROMETHEUS_PORT:-18492}
PROMETHEUS=$COMPOSE_PROJECT_NAME-prometheus
URL=http://127.0.0.1:$WEHPU_HTTP_PORT
# How long an alarm may take to come, and to go. This machine may have other things to do.
PATIENCE=${ALARMS_PATIENCE:-240}
KEPT="project $COMPOSE_PROJECT_NAME, $URL, Prometheus on http://127.0.0.1:$PROMETHEUS_PORT"
WRONG=0
COUNTER=0
# Nothing is done to raise these: the spider has nothing to do for long.
BEGIN_BY_THEMSELVES=" SourceSilent SpiderFails "

remove_all() {
    docker rm --force "$PROMETHEUS" >/dev/null 2>&1
    docker compose ps -q 2>/dev/null | xargs -r docker unpause >/dev/null 2>&1
    docker compose down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1
    rm -rf "$DIR"
}

# ---- what is asked of the service and of the simulator

sim() { curl -sf -o /dev/null --max-time 10 -X "$1" -H 'content-type: application/json' "http://127.0.0.1:$ALARMS_SIM_PORT/_sim/$2" ${3:+-d "$3"}; }
fault() { sim PUT "faults/$1" "$2" || warn "the simulator does not take $2"; }
well() { sim DELETE faults; }

# account INDEX: a WeChat user who is bound to that student; his token in TOKEN.
account() {
    log_in_with "sim-alarms$1-$EPOCHREALTIME"
    bind_student "$1"
}

# load WORKERS FUNCTION: calls it again and again, until end_beside.
load() {
    local i
    for i in $(seq "$1"); do beside again "$2" >/dev/null 2>&1; done
}
again() { while :; do "$1"; done; }
read_account() { request "$URL/api/user"; sleep 0.05; }
# A hundred at once, by one program: so many would never meet if each took a process of its own.
search_articles() { request --parallel --parallel-immediate --parallel-max 100 "$URL/api/rss/news?q=[1-500]"; }
search_books() { request "$URL/api/library/books?q=$RANDOM$RANDOM"; sleep 0.3; }
log_in() { request "$URL/api/login" -d "code=sim-alarms-load-$RANDOM$RANDOM$RANDOM"; sleep 0.1; }
log_in_with_nonsense() { request "$URL/api/login" -d "code=nonsense$RANDOM$RANDOM"; sleep 0.1; }
bind_again() {
    request "$URL/api/bind" -d studentId=311509000001 -d vpnPassWord=vpn-000001 -d jwcPassWord=jwc-000001
    sleep 0.2
}
send_message() {
    request "$URL/api/notify" -H 'content-type: application/json' -d '{"studentId": "311509000002", "templateId": "AT1107",
        "page": "pages/index/index", "data": {"keyword1": {"value": "校园卡"}, "keyword2": {"value": "311509000002"},
        "keyword3": {"value": "张三"}, "keyword4": {"value": "13800000000"}, "keyword5": {"value": "请联系我"}}}'
    sleep 0.2
}

service() { docker compose "$@" >/dev/null 2>&1; }
# All engines at once: nobody waits for them here.
restart_engines() { service restart --timeout 1 engine && service up --detach --wait --no-recreate; }

# ---- Prometheus

start_prometheus() {
    find_program prometheus || die "$NONE"
    install -d -m 0755 "$DIR/prometheus" && install -d -m 0700 -o 10002 "$DIR/data" || die "root is needed: Prometheus runs as another user"
    # Shorter ranges first, then what is waited for.
    sed -E -e 's/\[5m\]|\[10m\]/[30s]/g' -e 's/\[1h\]/[60s]/g' -e 's/offset 5m/offset 30s/' -e 's/^( +for:) .*/\1 5s/' \
        -e 's/2 \* 86400/90/' docker/prometheus/alerts.yml >"$DIR/prometheus/alerts.yml"
    sed -E 's/_interval: (15s|5s)/_interval: 2s/' docker/prometheus/prometheus.yml >"$DIR/prometheus/prometheus.yml"
    docker rm --force "$PROMETHEUS" >/dev/null 2>&1
    docker run -d --name "$PROMETHEUS" --network "${COMPOSE_PROJECT_NAME}_backend" -p "127.0.0.1:$PROMETHEUS_PORT:9090" \
        --user 10002 --read-only --cap-drop ALL -v "$DIR/data:/prometheus" -v "$DIR/prometheus:/etc/prometheus:ro" \
        -v "$PWD/docker/prometheus/development-only/stats_password:/run/secrets/stats_password:ro" \
        -v "$PROGRAM:/usr/bin/prometheus:ro" --entrypoint /usr/bin/prometheus "$(docker compose images -q haproxy)" \
        --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/prometheus >/dev/null || return 1
    local deadline=$((SECONDS + 60))
    until [ "$(query 'count(up == 1)')" = 5 ]; do
        [ "$SECONDS" -lt "$deadline" ] || { docker logs "$PROMETHEUS" 2>&1 | tail -n 5; return 1; }
        sleep 1
    done
}

# query EXPRESSION: the value of its first series, or nothing.
query() {
    curl -s --max-time 5 "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/query" --data-urlencode "query=$1" |
        sed -n 's/.*"value":\[[^,]*,"\([^"]*\)".*/\1/p'
}
fires() { [ -n "$(query "ALERTS{alertname=\"$1\", alertstate=\"firing\"}")" ]; }

# waited STATE ALARM: seconds until it fires, or is clear; or nothing.
waited() {
    local begun=$SECONDS
    until if [ "$1" = fires ]; then fires "$2"; else ! fires "$2"; fi; do
        [ $((SECONDS - begun)) -lt "$PATIENCE" ] || return 1
        sleep 0.5
    done
    echo $((SECONDS - begun))
}

# provoke ALARM... -- TEXT MEND-TEXT: calls break_<first alarm>, waits until all of them fire; then mend_<first alarm>, and
# waits until none does.
provoke() {
    local alarms=() alarm came=() went first=$1 i wanted=no
    while [ "$1" != -- ]; do
        alarms+=("$1")
        [[ $ONLY == "  " || $ONLY == *" $1 "* ]] && wanted=yes
        shift
    done
    [ "$wanted" = yes ] || return 0
    for alarm in "${alarms[@]}"; do
        [[ $BEGIN_BY_THEMSELVES == *" $alarm "* ]] || ! fires "$alarm" ||
            { warn "$alarm fires before anything was done"; WRONG=$((WRONG + 1)); }
    done
    "break_$first" || warn "break_$first: exit $?"
    for alarm in "${alarms[@]}"; do came+=("$(waited fires "$alarm")"); done
    end_beside
    "mend_$first" || warn "mend_$first: exit $?"
    for i in "${!alarms[@]}"; do
        went=$(waited clear "${alarms[i]}")
        [[ -n ${came[i]} && -n $went ]] || WRONG=$((WRONG + 1))
        COUNTER=$((COUNTER + 1))
        printf '| `%s` | %s | %s | %s | %s |\n' "${alarms[i]}" "$2" "$([ -n "${came[i]}" ] && echo "fired after ${came[i]} s" || echo "NOT FIRED")" "$3" \
            "$([ -n "$went" ] && echo "cleared after $went s" || echo "STILL FIRES")"
    done
    end_beside
}

# ---- what breaks, and what mends it

break_ProxyAway() { service stop haproxy; }
mend_ProxyAway() { service start haproxy; }

break_NoEngine() { service stop --timeout 1 engine; }
mend_NoEngine() { service up --detach --wait --no-recreate; }

break_NotScraped() { docker pause "$(container engine)" >/dev/null; }
mend_NotScraped() { docker unpause "$(container engine)" >/dev/null; }

# Without a majority: writes fail, reads that are counted go on uncounted.
break_NoPrimary() {
    service stop mongo2 mongo3
    load 12 log_in
    load 2 search_books
}
mend_NoPrimary() { service up --detach --wait --no-recreate; }

break_Overload() { load 1 search_articles; }
mend_Overload() { :; }

# All members hang for two seconds of every two and a half: no election, since none of them sees the others missing.
break_Slow() {
    load 20 read_account
    load 1 hang_for_a_moment
}
hang_for_a_moment() {
    local ids
    mapfile -t ids < <(containers "${MEMBERS[@]}")
    docker pause "${ids[@]}"
    sleep 1.8
    docker unpause "${ids[@]}"
    sleep 0.5
}
mend_Slow() { containers "${MEMBERS[@]}" | xargs docker unpause >/dev/null 2>&1; }

break_SystemDown() {
    fault library '{"mode": "500"}'
    load 2 search_books
}
mend_SystemDown() {
    well
    load 2 search_books
}

break_PagesChanged() {
    fault library '{"mode": "garbage"}'
    load 2 search_books
}
mend_PagesChanged() { well; }

break_CaptchasUnread() {
    sim POST captcha '{"reject_next": 1000000}'
    load 2 bind_again
}
mend_CaptchasUnread() { sim POST captcha '{"reject_next": 0}'; }

break_LoginsPaused() {
    fault vpn '{"mode": "says", "text": "请输入验证码"}'
    load 2 bind_again
}
mend_LoginsPaused() { well; }

break_MessagesRefused() {
    fault wechat '{"mode": "errcode", "errcode": 40037, "operation": "subscribe_send"}'
    load 2 send_message
}
mend_MessagesRefused() { well; }

break_LoginCodesLimited() { load 2 log_in_with_nonsense; }
mend_LoginCodesLimited() { :; }

# Nine of ten megabytes: what files take is measured when an engine starts, and every five minutes.
break_StorageFilling() {
    { printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0'; head -c 9000000 /dev/zero; } >"$DIR/picture.png"
    FILE=$(curl -s --max-time 60 -H "Authorization: Bearer $TOKEN" -F "file=@$DIR/picture.png;type=image/png" "$URL/api/upload" |
        sed -n 's/.*"\(http[^"]*\)".*/\1/p')
    [ -n "$FILE" ] || warn "the file was not taken"
    restart_engines
}
mend_StorageFilling() {
    request -X DELETE "$URL/api/upload/${FILE##*/}"
    restart_engines
}

disks() { docker compose exec -T disk bash -c "$1"; }
break_DiskFilling() {
    disks 'for disk in /disks/*; do head -c 600M /dev/zero >$disk/ballast; done'
    restart_engines
}
mend_DiskFilling() {
    disks 'rm /disks/*/ballast'
    restart_engines
}

break_SpiderAway() { service stop spider; }
mend_SpiderAway() { service start spider; }

break_SpiderFails() { :; }
mend_SpiderFails() { collect; }
collect() { docker compose exec -T spider /wehpu-engine spider --once >/dev/null 2>&1; }

break_SourceSilent() { :; }
mend_SourceSilent() {
    local system
    for system in news logistics bulletin; do sim PUT "feeds/$system/99001" '{"title": "新的", "paragraphs": ["一"]}'; done
    collect
}

need_toolchain
begin
need_configuration
WEHPU_MONGO_IMAGE=${WEHPU_MONGO_IMAGE:-$(image_of mongo1)}
export WEHPU_MONGO_IMAGE
[ "${KEEP:-}" = yes ] || remove_all
mkdir -p "$DIR"
if [ "${BUILD:-yes}" = yes ]; then
    step "build the images" -- docker compose --progress plain build || die "the images cannot be built"
fi
step "build what makes articles (tests/cluster)" -- cargo build --locked -p cluster-test || die "tests/cluster does not compile"
step "start the stack $COMPOSE_PROJECT_NAME" -- docker compose up --detach --wait || die "the stack does not become healthy"
step "articles to search" -- "${CARGO_TARGET_DIR:-target}/debug/cluster-test" seed --count 500 || die "no articles"
step "start Prometheus" -- start_prometheus || die "Prometheus does not see the stack"
account 2
account 1

say '| alarm | provoked by | | ended by | |'
say '|---|---|---|---|---|'
provoke ProxyAway -- "the proxy stopped" "started"
provoke NoEngine -- "all engines stopped" "started"
provoke NotScraped EngineAway -- "an engine hangs" "goes on"
provoke NoPrimary MemberAway Errors LimitsUncounted -- "two members stopped, students log in and search books" "started"
provoke Overload -- "a hundred searches in articles at once, without an end" "they end"
provoke Slow -- "the members hang for 1.8 s again and again" "they go on"
provoke SystemDown -- "the library answers 500" "answers well"
provoke PagesChanged -- "the library answers with garbage" "answers well"
provoke CaptchasUnread -- "the URP takes no captcha" "takes them"
provoke LoginsPaused -- "the VPN demands a captcha" "demands none"
provoke MessagesRefused -- "WeChat does not know the template" "takes messages"
provoke LoginCodesLimited -- "made-up login codes" "they end"
provoke StorageFilling -- "a file of 9 of 10 MiB" "deleted"
provoke DiskFilling -- "the members' disks filled up to 80 %" "emptied"
provoke SpiderAway -- "the spider stopped" "started"
provoke SourceSilent -- "nothing new for longer than WEHPU_SPIDER_STALE" "a new article in each source"
provoke SpiderFails -- "no run has succeeded for long" "one that succeeds"

EXPECTED=$(grep -c '^ *- alert:' docker/prometheus/alerts.yml)
[ "$ONLY" != "  " ] || [ "$COUNTER" = "$EXPECTED" ] || die "$COUNTER alarms were tried, there are $EXPECTED"
[ "$WRONG" = 0 ] || die "$WRONG alarms did not come or did not go"
say "$COUNTER alarms came and went"

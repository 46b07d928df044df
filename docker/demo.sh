#!/usr/bin/env bash
# Walks through every page of the mini-program against the running stack and tells what each call
# answered. For people: nothing is checked here (docker/smoke.sh does that). Needs curl and sed.
#
#   docker/demo.sh [URL]     default http://127.0.0.1 and the port WEHPU_HTTP_PORT, also of .env (8080)
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/school.sh"

have curl || install_packages curl || die "the demo needs curl"
need_settings
PORT=$(setting WEHPU_HTTP_PORT 8080)
URL=${1:-http://127.0.0.1:${PORT##*:}}
OPENID=demo$(date +%s)$RANDOM
# One of the simulator's students; another one each time, since tries to bind are counted per student.
INDEX=$(printf '%06d' $((RANDOM % 300 + 1)))
be_student "$INDEX"
TOKEN=
BODY=
FILES=$(mktemp -d)
trap 'rm -rf "$FILES"' EXIT

page() { printf '\n\033[1m%s\033[0m\n' "$1"; }

# call TEXT METHOD PATH [curl arguments]: shows the call, its status and the beginning of its answer.
call() {
    local text=$1 method=$2 path=$3 status
    shift 3
    BODY=$(curl -sS --max-time 40 -w '\n%{http_code}' -X "$method" ${TOKEN:+-H "Authorization: Bearer $TOKEN"} "$@" "$URL$path" 2>&1)
    status=${BODY##*$'\n'}
    BODY=${BODY%$'\n'*}
    [[ $BODY != *NOT_OFFERED* ]] || status="$status, this school does not have it"
    printf '  %s\n    %-6s %s → %s\n' "$text" "$method" "$path" "$status"
    printf '    %s\n' "$(tr -d '\r' <<<"$BODY" | head -n 12 | cut -c 1-"${WIDTH:-260}")"
}

field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" <<<"$BODY" | head -n 1; }
json() { call "$1" "$2" "$3" -H 'content-type: application/json' -d "$4"; }

say "demo against $URL as a new WeChat user, student $STUDENT of $SCHOOL"

page "Start: which school, and log in"
call "which school it is, and what it has" GET /api/app
call "wx.login gives a code, the engine a token" POST /api/login -d "code=sim-$OPENID-1"
TOKEN=$(field token)
[ -n "$TOKEN" ] || die "no token: is the stack up? (make up)"
call "the new account is not bound yet" GET /api/user

page "Bind the campus accounts"
call "a wrong password is named" POST /api/bind -d "studentId=$STUDENT" "${WRONG[@]/#/-d}"
call "all right" POST /api/bind -d "studentId=$STUDENT" "${RIGHT[@]/#/-d}"
call "who am I" GET /api/user
call "another student's name" GET "/api/user/$STUDENT"

page "Course table and calendar"
call "this week" GET /api/calendar
call "my table" GET /api/course
call "an address for calendar programs" POST /api/course/subscription
ICS=$(field url)
[ -z "$ICS" ] || call "what such a program gets" GET "/${ICS#*://*/}"

page "Scores"
call "this term" GET /api/score
call "credits and weighted average" GET /api/score/summary

page "Empty classrooms"
call "building 1, week 5, Tuesday, lessons 1 and 2" POST /api/classroom -d building=1 -d weekly=5 -d week=2 --data-urlencode section=1,2

page "Physical tests"
call "all years" GET /api/physical

page "Library"
call "loans need the library password" GET /api/library/borrowing
call "give it" PUT /api/user -d key=libPassWord -d "value=lib-$INDEX"
call "loans" GET /api/library/borrowing
call "books by title" GET /api/library/books --get --data-urlencode "q=程序"
BOOK=$(field id)
[ -z "$BOOK" ] || call "copies of the first one" GET "/api/library/books/$BOOK"

page "Repairs"
call "a broken lamp" POST /api/rsp/repair -d projectSerial=01 --data-urlencode projectName=照明 -d mobile=13800000000 \
    --data-urlencode bUserName=张同学 --data-urlencode bContent=宿舍灯坏了 --data-urlencode bAddress=1号楼101 -d areaSerial=02 --data-urlencode areaName=南校区

page "News, lectures, notices"
for class in news logistics lecture notice; do
    call "newest $class" GET "/api/rss/$class?start=0&count=2"
    ARTICLE=$(field _id)
    [ -z "$ARTICLE" ] || call "the first one" GET "/api/rss/$class/$ARTICLE"
done

page "Upload, feedback, donations, messages"
printf '\211PNG\r\n\032\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\6\0\0\0\37\25\304\211' >"$FILES/lamp.png"
call "a picture" POST /api/upload -F folder=feedback -F prefix=demo -F "file=@$FILES/lamp.png;filename=lamp.png"
json "feedback becomes an issue" POST /api/feedback '{"content":"演示：课表加载很快，谢谢 @all","labels":"feedback","nick":"demo","model":"demo","platform":"demo","wxVersion":"8.0","wehpuVersion":"1.0"}'
call "donations" GET /api/donation
json "a found card: tell its owner" POST /api/notify "{\"studentId\":\"$STUDENT\",\"templateId\":\"AT1107\",\"data\":{\"keyword1\":{\"value\":\"校园卡\"},\"keyword2\":{\"value\":\"$STUDENT\"},\"keyword3\":{\"value\":\"李同学\"},\"keyword4\":{\"value\":\"13800000000\"},\"keyword5\":{\"value\":\"在图书馆捡到\"}}}"

page "My data"
call "everything stored about me" GET /api/me/export
call "forget the campus accounts" DELETE /api/bind
call "leave: delete the account" DELETE /api/user
call "the token is worth nothing now" GET /api/user

#!/usr/bin/env bash
# What the scripts behind the Makefile do before they do anything: whose data they would destroy, which port is taken, what
# .env says, who may read a secret. With a docker that only writes down what it is told (tests/scripts/docker), in a
# copy of the repository; takes seconds, and touches nothing that runs here.
# shellcheck disable=SC2016,SC2034
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

WORK=$(mktemp -d)
LISTENER=
trap '[ -z "$LISTENER" ] || kill "$LISTENER"; rm -rf "$WORK"' EXIT
export FAKE=$WORK/fake
REPO=$WORK/repo
mkdir -p "$FAKE" "$REPO/target" "$WORK/bin"
cp -R docker docker-compose.yml Makefile .env.example .gitignore "$REPO/"
cp tests/scripts/docker "$WORK/bin/docker"
chmod 0755 "$WORK" "$WORK/bin" "$WORK/bin/docker"
PATH=$WORK/bin:$PATH
for NAME in $(compgen -e WEHPU_) $(compgen -e COMPOSE_) $(compgen -e AGE_) CONFIRM ENGINE; do unset "$NAME"; done
# A real dockerd that "make" started is none of these scripts' business: the docker that they ask says that nothing runs in it.
export KEEP_DOCKERD=yes
cd "$REPO" || exit 1

FAILED=0
OUTPUT=
STATUS=
# what a stack of development with three members and 17 accounts looks like
fresh() {
    rm -f "$FAKE"/* .env
    : >"$FAKE/calls"
    printf 'name: wehpu\nservices:\n  engine:\n    environment:\n      WEHPU_PROFILE: dev\n' >"$FAKE/configuration"
    printf '  haproxy:\n    ports:\n      - mode: ingress\n        target: 8080\n        published: "%s"\n' 18999 >>"$FAKE/configuration"
    printf 'wehpu_mongo%s\n' 1 2 3 >"$FAKE/volumes"
    echo member >"$FAKE/members"
    echo one >"$FAKE/containers"
    echo WEHPU_PROFILE=dev >"$FAKE/environment"
    echo '17 accounts: 0 values to re-seal' >"$FAKE/rekey"
}
# run COMMAND...: its output, both streams, and how it ended. Without a terminal, and not for long.
run() {
    OUTPUT=$(timeout 20 "$@" 2>&1 </dev/null)
    STATUS=$?
}
is() {
    local text=$1
    shift
    if "$@"; then
        printf 'ok    %s\n' "$text"
    else
        printf 'MISS  %s\n      exit %s\n%s\n' "$text" "$STATUS" "$(sed 's/^/      /' <<<"$OUTPUT")"
        FAILED=1
    fi
}
says() { grep -qF -- "$1" <<<"$OUTPUT"; }
called() { grep -qE -- "$1" "$FAKE/calls"; }
refused() { [ "$STATUS" = 1 ] && says "$1" && ! called 'compose down|volume rm'; }
done_with() { [ "$STATUS" = 0 ] && called 'compose down --remove-orphans --volumes'; }

echo "scripts: data is deleted only when it is confirmed"
fresh
run docker/stack.sh clean
is "make clean without a terminal deletes nothing" refused 'CONFIRM=wehpu'
is "it names project, volumes, accounts and the newest backup" eval \
    'says "wehpu (development)" && says "wehpu_mongo1 wehpu_mongo2 wehpu_mongo3" && says "17" && says "none in backups"'
CONFIRM=other run docker/stack.sh clean
is "nor when another project is confirmed" refused 'CONFIRM says other'
CONFIRM=wehpu run docker/stack.sh clean
is "with CONFIRM=wehpu it does" done_with
fresh
sed -i 's/WEHPU_PROFILE: dev/WEHPU_PROFILE: prod/' "$FAKE/configuration"
echo '0 accounts: 0 values to re-seal' >"$FAKE/rekey"
run docker/stack.sh clean
is "production: never without, even when it holds no account" refused 'wehpu (production)'
fresh
echo WEHPU_PROFILE=prod >"$FAKE/environment"
echo '0 accounts: 0 values to re-seal' >"$FAKE/rekey"
run docker/stack.sh clean
is "nor when only the containers that are there are of production" refused 'wehpu (production)'
fresh
: >"$FAKE/members"
run docker/stack.sh clean
is "a database that does not run may hold accounts" refused 'unknown: the database does not run'
fresh
echo '0 accounts: 0 values to re-seal' >"$FAKE/rekey"
run docker/stack.sh clean
is "a development stack without an account goes unasked" done_with
fresh
: >"$FAKE/volumes"
run docker/stack.sh clean
is "and so does one without data" done_with
fresh
head -c 100 /dev/zero | gzip >"$WORK/no.tar.gz"
run docker/backup.sh restore "$WORK/no.tar.gz"
is "a restore of what is no backup changes nothing" eval '[ "$STATUS" = 1 ] && says "no whole archive" && ! called "docker stop|run --detach"'
mkdir "$WORK/data" && echo >"$WORK/data/WiredTiger"
tar -C "$WORK/data" -czf "$WORK/yes.tar.gz" .
run docker/backup.sh restore "$WORK/yes.tar.gz"
is "make restore without a terminal changes nothing, and says that the service is away meanwhile" eval \
    'refused CONFIRM=wehpu && says "The service is away" && ! called "^stop|run --detach"'

echo "scripts: nothing of another project is touched"
fresh
COMPOSE_PROJECT_NAME=wehpu run docker/test-replset.sh down
is "the tests' replica set is a project of its own, whatever the caller's is called" eval \
    'called "compose.*--project-name wehpu-test .*down" && ! called "compose down"'
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1) or die; $| = 1; print $s->sockport, "\n"; sleep 300' >"$WORK/port" &
LISTENER=$!
until [ -s "$WORK/port" ]; do sleep 0.1; done
PORT=$(cat "$WORK/port")
fresh
ENGINE=none WEHPU_HTTP_PORT=$PORT run docker/stack.sh up
is "ENGINE=none stops no containers to get a port" eval '[ "$STATUS" = 1 ] && ! called "compose (down|stop|rm)"'
is "it says who has the port, first" eval '[[ $OUTPUT == "error: port $PORT (for haproxy) is taken by perl, process $LISTENER"* ]]'

echo "scripts: a taken port is the first thing that is said"
fresh
sed -i "s/18999/$PORT/" "$FAKE/configuration"
run docker/stack.sh up
is "make up names port and process in its first line, and what to do" eval \
    '[ "$STATUS" = 1 ] && [[ $OUTPUT == "error: port $PORT is taken by perl, process $LISTENER"* ]] && says "WEHPU_HTTP_PORT="'
is "nothing was built or started" eval '! called "compose.*(build|up)"'
printf 'theirs-haproxy-1\ttheirs\n' >"$FAKE/publishes"
sed -i "s/$PORT/18999/" "$FAKE/configuration"
cp "$WORK/bin/docker" "$WORK/docker.kept"
sed -i "s/^'ps '\*publish=\*)/'ps '*publish=*project=wehpu*) ;;\n&/" "$WORK/bin/docker"
run docker/stack.sh up
is "a container that has it is named with its project" says 'is taken by the container theirs-haproxy-1 of project theirs'
cp "$WORK/docker.kept" "$WORK/bin/docker"

echo "scripts: .env"
fresh
value() { printf "$1" >.env; bash -c '. docker/progress.sh; setting WEHPU_HTTP_PORT 8080'; }
is_value() { OUTPUT=$(value "$1"); STATUS=$?; [ "$OUTPUT" = "$2" ]; }
while IFS='|' read -r line wanted; do
    is "$line is $wanted" is_value "$line" "$wanted"
done <<'LINES'
WEHPU_HTTP_PORT=8081\n|8081
# WEHPU_HTTP_PORT=8081\n|8080
export WEHPU_HTTP_PORT="8081" # a remark\n|8081
WEHPU_HTTP_PORT='8081'\n|8081
WEHPU_HTTP_PORT = 127.0.0.1:8081   # a remark\r\n|127.0.0.1:8081
WEHPU_HTTP_PORT=8081\nWEHPU_HTTP_PORT=8082|8082
WEHPU_HTTP_PORT=\n|8080
WEHPU_HTTP_PORTS=8081\n|8080
LINES
printf 'WEHPU_HTTP_PORT=8081\n' >.env
OUTPUT=$(WEHPU_HTTP_PORT=8083 bash -c '. docker/progress.sh; setting WEHPU_HTTP_PORT 8080') STATUS=$?
is "the environment wins" eval '[ "$OUTPUT" = 8083 ]'
run docker/demo.sh
is "make demo goes to the port in .env" says 'demo against http://127.0.0.1:8081'
printf 'A=1\nnot a setting\n' >.env
for WHAT in 'stack.sh up' 'stack.sh down' 'stack.sh clean' 'stack.sh ps' 'stack.sh logs' 'backup.sh list' 'backup.sh backup' \
    'replace-member.sh mongo1' smoke.sh demo.sh rollout.sh; do
    # shellcheck disable=SC2086
    run docker/$WHAT
    is "docker/$WHAT names the broken line and stops" eval '[ "$STATUS" = 1 ] && says ".env: line 2"'
done
for WHAT in up ps logs clean; do
    ENGINE=none run docker/stack.sh "$WHAT"
    is "so does ENGINE=none docker/stack.sh $WHAT" eval '[ "$STATUS" = 1 ] && says ".env: line 2"'
done

echo "scripts: backups"
fresh
file() { echo x >"backups/$1-$(date -d "$2" +%Y%m%d-%H%M%S).tar.gz${3:-}"; }
mkdir -p backups
run docker/backup.sh list
is "no backup: said, and exit 1" eval '[ "$STATUS" = 1 ] && says "there is no backup of wehpu"'
file wehpu '3 days ago'
file wehpu-ci '1 hour ago'
file other '1 hour ago'
run docker/backup.sh list
is "the newest is older than a day: said, and exit 1; those of other projects do not count" eval \
    '[ "$STATUS" = 1 ] && says "the newest backup is 3 days old" && ! says wehpu-ci && ! says other'
file wehpu '5 hours ago' .age
run docker/backup.sh list
is "the newest first, and exit 0" eval '[ "$STATUS" = 0 ] && [[ $(head -n 1 <<<"$OUTPUT") == *"5 hours"*.age ]]'
WEHPU_BACKUP_DIR=$WORK/elsewhere run docker/backup.sh list
is "WEHPU_BACKUP_DIR says where" says "$WORK/elsewhere"
git init -q . && OUTPUT=$(git status --porcelain --untracked-files=all backups) STATUS=$?
is "git ignores the folder" eval '[ -z "$OUTPUT" ]'

echo "scripts: secrets"
fresh
SECRETS=$WORK/public/secrets
mkdir -p "$WORK/public" && chmod 1777 "$WORK/public"
chmod -R a+rX "$REPO/docker" && chmod 0755 "$REPO"
AS_USER=()
[ "$(id -u)" != 0 ] || AS_USER=(setpriv --reuid 65534 --regid 65534 --clear-groups)
touch "$FAKE/no-engine"
chmod -R a+rwX "$FAKE"
run "${AS_USER[@]}" docker/make-secrets.sh "$SECRETS"
is "an ordinary user without docker is told why, and nothing is made" eval '[ "$STATUS" = 1 ] && says "only root" && [ ! -e "$SECRETS" ]'
run docker/make-secrets.sh key
KEY=$OUTPUT
run docker/make-secrets.sh key
is "two keys of one day have different ids, of letters and digits" eval \
    '[ "${KEY%%:*}" != "${OUTPUT%%:*}" ] && [[ ${KEY%%:*} =~ ^k[0-9]{8}x[0-9a-f]{4}$ ]]'
if [ "$(id -u)" = 0 ]; then
    run docker/make-secrets.sh "$SECRETS"
    is "root makes them, each readable by whom it is for and nobody else" eval \
        '[ "$STATUS" = 0 ] && [ -z "$(find "$SECRETS" -type f -perm /0027)" ] && [ "$(stat -c %u:%g:%a "$SECRETS/keyfile")" = 999:10001:440 ]'
    BEFORE=$(cd "$SECRETS" && sha256sum -- *)
    run docker/make-secrets.sh "$SECRETS"
    is "a second run keeps them" eval '[ "$STATUS" = 0 ] && [ "$BEFORE" = "$(cd "$SECRETS" && sha256sum -- *)" ]'
    INODE=$(stat -c %i "$SECRETS/tls.pem")
    OUTPUT=$(echo certificate | docker/make-secrets.sh "$SECRETS" tls.pem 2>&1) STATUS=$?
    is "a file is filled in place" eval \
        '[ "$(cat "$SECRETS/tls.pem")" = certificate ] && [ "$(stat -c %i:%u:%a "$SECRETS/tls.pem")" = "$INODE:10002:400" ]'
fi

[ "$FAILED" = 0 ] && echo "scripts: all as it should be"
exit "$FAILED"

#!/usr/bin/env bash
# Makes the folder of secrets that docker/compose.prod.yml reads, with fresh random values.
# Files that exist are kept; those only you can know are left empty and named.
#
#   docker/make-secrets.sh DIR
set -euo pipefail
[ $# = 1 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$1"
cd "$1"
chmod 0711 .
umask 077

random() { head -c "$1" /dev/urandom | base64 -w 0; }
word() { random "$1" | tr -d '+/='; }
# put FILE OWNER VALUE: the numeric users are those the containers run as.
put() {
    [ -e "$1" ] || printf '%s' "$3" >"$1"
    chmod 0400 "$1"
    chown "$2" "$1" 2>/dev/null || chmod 0444 "$1"
}
uri() {
    printf 'mongodb://%s:%s@mongo1:27017,mongo2:27017,mongo3:27017/wehpu?replicaSet=wehpu&authSource=wehpu&w=majority%s' \
        "$1" "$(word 36)" "$2"
}

put mongodb_uri 10001 "$(uri engine '&readPreference=secondaryPreferred&maxStalenessSeconds=90')"
put migrate_mongodb_uri 10001 "$(uri migrate '')"
put spider_mongodb_uri 10001 "$(uri spider '&readPreference=secondaryPreferred&maxStalenessSeconds=90')"
put jwt_secret 10001 "$(random 48)"
put credential_keys 10001 "k$(date +%Y%m%d):$(random 32)"
put stats_password 10002 "$(word 24)"
# Read by the members (user 999) and by "replset init" (group 10001).
put keyfile 999:10001 "$(random 567)"
chmod 0440 keyfile
for file in wechat_app_secret github_token; do
    put "$file" 10001 ''
    [ -s "$file" ] || echo "fill in: $1/$file"
done
# May stay as it is: an empty line counts as nothing, and Docker Swarm takes no empty secret.
put bulletin_vpn_password 10001 $'\n'
grep -q '[^[:space:]]' bulletin_vpn_password || echo "fill in, if the bulletin board is to be read: $1/bulletin_vpn_password"
put tls.pem 10002 ''
[ -s tls.pem ] || echo "fill in: $1/tls.pem (certificate, chain and key, one after the other)"

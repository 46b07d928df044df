#!/usr/bin/env bash
# Makes the folder of secrets that docker/compose.prod.yml reads, with fresh random values.
# Files that exist are kept; those only you can know are left empty and named.
#
#   docker/make-secrets.sh DIR             for root, or for a user who may use docker: then a container gives the files
#                                          to the users that read them, which else only root can
#   docker/make-secrets.sh DIR FILE        puts what is given on standard input into that file, in place, so that a
#                                          container that has it sees it; asks for a line, unseen, at a terminal
#   docker/make-secrets.sh key             prints a new credential key, to be put in front of credential_keys
#
# No file can be read by anybody but root and the one user it is for.
set -euo pipefail

# What each file is for: the numeric users are those that the containers run as. The key file is read by the members
# (user 999) and by "replset init" (group 10001).
owner_of() {
    case $1 in
    mongodb_uri | migrate_mongodb_uri | spider_mongodb_uri | jwt_secret | credential_keys | wechat_app_secret | github_token | bulletin_vpn_password) echo 10001:10001 400 ;;
    stats_password | tls.pem) echo 10002:10002 400 ;;
    keyfile) echo 999:10001 440 ;;
    *) return 1 ;;
    esac
}
FILES=(mongodb_uri migrate_mongodb_uri spider_mongodb_uri jwt_secret credential_keys stats_password keyfile
    wechat_app_secret github_token bulletin_vpn_password tls.pem)

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
random() { head -c "$1" /dev/urandom | base64 -w 0; }
word() { random "$1" | tr -d '+/='; }
# Two that are made on one day differ; letters and digits only, at most 16.
key() { printf 'k%sx%s:%s' "$(date +%Y%m%d)" "$(od -An -N2 -tx1 /dev/urandom | tr -d ' ')" "$(random 32)"; }
uri() {
    printf 'mongodb://%s:%s@mongo1:27017,mongo2:27017,mongo3:27017/wehpu?replicaSet=wehpu&authSource=wehpu&w=majority%s' \
        "$1" "$(word 36)" "$2"
}
value_of() {
    case $1 in
    mongodb_uri) uri engine '&readPreference=secondaryPreferred&maxStalenessSeconds=90' ;;
    migrate_mongodb_uri) uri migrate '' ;;
    spider_mongodb_uri) uri spider '&readPreference=secondaryPreferred&maxStalenessSeconds=90' ;;
    jwt_secret) random 48 ;;
    credential_keys) key ;;
    stats_password) word 24 ;;
    keyfile) random 567 ;;
    # May stay as it is: an empty line counts as nothing, and Docker Swarm takes no empty secret.
    bulletin_vpn_password) echo ;;
    esac
}

# An image that is here and has bash: the database's, else the proxy's. Nothing is fetched.
find_image() {
    local image
    for image in ${WEHPU_MONGO_IMAGE:+"$WEHPU_MONGO_IMAGE"} mongo:8.0 ${WEHPU_HAPROXY_IMAGE:+"$WEHPU_HAPROXY_IMAGE"} haproxy:3.0 \
        $(docker image ls --format '{{.Repository}}:{{.Tag}}' --filter 'reference=wehpu-local/mongo:*'); do
        docker image inspect "$image" >/dev/null 2>&1 && { echo "$image"; return; }
    done
    return 1
}

# as_root COMMAND [ARGUMENT...]: a bash command in the folder, by somebody who may give files away.
IMAGE=
as_root() {
    local command=$1
    shift
    if [ -z "$IMAGE" ]; then
        bash -c "set -eu; $command" - "$@"
    else
        docker run --rm --interactive --network none --user 0:0 --cap-drop ALL --cap-add CHOWN --cap-add FOWNER --cap-add DAC_OVERRIDE \
            --security-opt no-new-privileges:true --read-only --mount "type=bind,source=$PWD,target=/secrets" --workdir /secrets \
            --entrypoint /bin/bash "$IMAGE" -c "set -eu; umask 077; $command" - "$@"
    fi
}

# Before anything is made: can the files be given to whom they are for?
need_rights() {
    [ "$(id -u)" != 0 ] || return 0
    if ! command -v docker >/dev/null || ! docker info >/dev/null 2>&1; then
        die "only root can give the files to the users that read them (999, 10001, 10002), or a user who may use docker, which $(id -un) may not: run this with sudo, or in the group docker. Nothing was made"
    fi
    IMAGE=$(find_image) || die "docker may be used, but no image is here to give the files to their users with: docker pull mongo:8.0, or run this as root. Nothing was made"
}

# give FILE...: to whom they are for, without a moment in which somebody else can read them.
give() {
    local file owner mode list=()
    for file in "$@"; do
        read -r owner mode < <(owner_of "$file")
        list+=("$file" "$owner" "$mode")
    done
    as_root 'while [ $# -gt 0 ]; do
        chmod "$3" "$1"
        chown "$2" "$1"
        [ "$(stat --format "%u:%g %a" "$1")" = "$2 $3" ] || { echo "$1 cannot be given to $2" >&2; exit 1; }
        shift 3
    done' "${list[@]}"
}

if [ $# != 1 ] && [ $# != 2 ] || [[ $1 == -* ]]; then
    sed -n '2,12s/^# \{0,1\}//p' "$0"
    exit 2
fi
if [ "$*" = key ]; then
    key
    echo
    exit
fi
umask 077
need_rights

if [ $# = 2 ]; then
    owner_of "$2" >/dev/null || die "no file of that name is read: $2 (one of: ${FILES[*]})"
    cd "$1"
    if [ -t 0 ]; then
        read -r -s -p "$2: " VALUE
        echo
        exec < <(printf '%s' "$VALUE")
    fi
    # Whole before the old one is touched; in place, since a container has this very file.
    as_root 'new=$(cat; echo .); [ -n "${new%.}" ] || { echo "nothing was given, $1 stays as it was" >&2; exit 1; }
        printf %s "${new%.}" >"$1"' "$2"
    give "$2"
    echo "$2 has its new value"
    exit
fi

mkdir -p "$1"
cd "$1"
[ -O . ] || [ "$(id -u)" = 0 ] || die "the folder $1 belongs to somebody else"
chmod 0711 .
for FILE in "${FILES[@]}"; do
    [ -e "$FILE" ] || value_of "$FILE" >"$FILE"
done
give "${FILES[@]}"

for FILE in wechat_app_secret github_token; do
    [ -s "$FILE" ] || echo "fill in: docker/make-secrets.sh $1 $FILE"
done
[ "$(stat --format %s bulletin_vpn_password)" -gt 1 ] ||
    echo "fill in, if the bulletin board is to be read: docker/make-secrets.sh $1 bulletin_vpn_password"
[ -s tls.pem ] || echo "fill in: cat certificate chain key | docker/make-secrets.sh $1 tls.pem"

#!/usr/bin/env bash
# `make up-prod-sim`: production on this machine against the simulated campus, to rehearse everything on it. The settings are
# a file that compose reads (COMPOSE_ENV_FILES); every command of OPERATIONS.md then means this stack.
#
#   docker/prod-sim/up.sh            makes secrets, certificates and settings where they are missing, and starts
#   docker/prod-sim/up.sh prepare    only makes them
#
# PROD_SIM_DIR: where they lie (target/stack/prod-sim). PROD_SIM_PORT, PROD_SIM_HTTPS_PORT: 18480, 18443.
set -uo pipefail
. "$(dirname "$0")/../progress.sh"
. "$WEHPU_ROOT/docker/project.sh"
cd "$WEHPU_ROOT" || exit 1
# With another profile the engines would ask that school itself.
[ "${WEHPU_SCHOOL:-hpu-urp}" = hpu-urp ] || die "WEHPU_SCHOOL=$WEHPU_SCHOOL: production is rehearsed with hpu-urp only"

DIR=$(realpath --canonicalize-missing "${PROD_SIM_DIR:-$WEHPU_STATE/prod-sim}")
SECRETS=$DIR/secrets
PORT=${PROD_SIM_PORT:-18480}
HTTPS_PORT=${PROD_SIM_HTTPS_PORT:-18443}

# certificate NAMES FILE: key and certificate for these names, signed by itself, for a month.
certificate() {
    local key
    key=$(mktemp "$DIR/key.XXXXXX")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=${1%%,*}" \
        -addext "subjectAltName=$2" -addext basicConstraints=critical,CA:FALSE -keyout "$key" -out "$3" 2>/dev/null ||
        die "openssl makes no certificate"
    cat "$key" "$3"
    rm -f "$key"
}

prepare() {
    have openssl || install_packages openssl || die "openssl is needed to make certificates"
    mkdir -p "$DIR"
    [ -e "$DIR/campus.pem" ] || certificate campus-tls DNS:campus-tls "$DIR/campus-ca.pem" >"$DIR/campus.pem"
    # Invented by the simulator, so nobody's secret.
    chmod 0444 "$DIR/campus.pem" "$DIR/campus-ca.pem"
    docker/make-secrets.sh "$SECRETS" >/dev/null || exit 1
    development WEHPU_WECHAT_APP_SECRET | tr -d '\n' | docker/make-secrets.sh "$SECRETS" wechat_app_secret >/dev/null || exit 1
    development WEHPU_GITHUB_TOKEN | tr -d '\n' | docker/make-secrets.sh "$SECRETS" github_token >/dev/null || exit 1
    development WEHPU_BULLETIN_VPN_PASSWORD | tr -d '\n' | docker/make-secrets.sh "$SECRETS" bulletin_vpn_password >/dev/null || exit 1
    [ -e "$DIR/proxy-ca.pem" ] ||
        certificate localhost DNS:localhost,IP:127.0.0.1 "$DIR/proxy-ca.pem" | docker/make-secrets.sh "$SECRETS" tls.pem >/dev/null || exit 1
    [ -e "$DIR/env" ] || settings >"$DIR/env"
}

# What a setting of development is.
development() { sed -n "s/^$1=//p" docker/development/*.env docker/development/schools/hpu-urp.env; }

settings() {
    local files=docker-compose.yml proxy
    [ ! -e docker-compose.override.yml ] || files+=:docker-compose.override.yml
    # Of "campus-tls" too, whatever image of HAProxy is here.
    proxy=$(
        export COMPOSE_ENV_FILES='' COMPOSE_FILE=$files
        need_configuration
        image_of haproxy
    )
    cat <<TEXT
COMPOSE_FILE=$files:docker/compose.prod.yml:docker/prod-sim/compose.yml
COMPOSE_PROJECT_NAME=wehpu-prod-sim
WEHPU_SECRETS_DIR=$SECRETS
PROD_SIM_DIR=$DIR
WEHPU_ENGINE_IMAGE=${WEHPU_ENGINE_IMAGE:-wehpu-engine:local}
WEHPU_SIM_IMAGE=${WEHPU_SIM_IMAGE:-wehpu-campus-sim:local}
WEHPU_HAPROXY_IMAGE=$proxy
WEHPU_HTTP_PORT=127.0.0.1:$PORT
WEHPU_HTTPS_PORT=$HTTPS_PORT
WEHPU_PUBLIC_URL=https://localhost:$HTTPS_PORT
WEHPU_TERM=2026-2027-1-1
WEHPU_TERM_START=2026-09-07
WEHPU_TERM_WEEKS=20
WEHPU_WECHAT_APP_ID=$(development WEHPU_WECHAT_APP_ID)
WEHPU_WECHAT_API_URL=https://campus-tls:4443/wechat
WEHPU_WECHAT_TEMPLATES=$(development WEHPU_WECHAT_TEMPLATES)
WEHPU_GITHUB_API_URL=https://campus-tls:4443/github
WEHPU_VPN_URL=https://campus-tls:4443/vpn
WEHPU_VPN_RSA_MODULUS=$(development WEHPU_VPN_RSA_MODULUS)
WEHPU_LIBRARY_URL=$(development WEHPU_LIBRARY_URL)
WEHPU_PHYSICAL_URL=$(development WEHPU_PHYSICAL_URL)
WEHPU_REPAIR_URL=$(development WEHPU_REPAIR_URL)
WEHPU_NEWS_URL=$(development WEHPU_NEWS_URL)
WEHPU_LOGISTICS_URL=$(development WEHPU_LOGISTICS_URL)
WEHPU_BULLETIN_STUDENT_ID=$(development WEHPU_BULLETIN_STUDENT_ID)
WEHPU_CAMPUS_CA_FILE=/wehpu/campus-ca.pem
TEXT
}

case "${1:-up}" in
prepare) ;;
up)
    docker/bootstrap/engine.sh up || die "production wants a Docker engine"
    docker/bootstrap/images.sh || exit 1
    ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
prepare
export COMPOSE_ENV_FILES=$DIR/env
[ "${1:-up}" = prepare ] || docker/stack.sh up || exit 1
cat <<TEXT

Every command now means this stack, in a shell that has

  export COMPOSE_ENV_FILES=$DIR/env CURL_CA_BUNDLE=$DIR/proxy-ca.pem

for example: docker/smoke.sh https://localhost:$HTTPS_PORT
TEXT

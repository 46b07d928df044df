#!/usr/bin/env bash
# `make reload`: the proxy takes a changed configuration or a renewed certificate, without a gap. What is broken is refused
# and named. Works on whatever stack COMPOSE_FILE and COMPOSE_PROJECT_NAME name.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/project.sh"
cd "$WEHPU_ROOT" || exit 1
need_configuration

# In the container, by bash alone: the image need not have more.
sum_of() { docker compose exec -T haproxy cat "$1" 2>/dev/null | sha256sum; }

[ -n "$(docker compose ps --quiet haproxy)" ] || die "the proxy does not run (make ps)"
docker compose exec -T haproxy bash /wehpu/haproxy/reload.sh || exit 1

# A mounted file that was replaced instead of overwritten is still the former one in the container.
CERTIFICATE=$(setting WEHPU_SECRETS_DIR)/tls.pem
if [ -r "$CERTIFICATE" ] && [ "$(sha256sum <"$CERTIFICATE")" != "$(sum_of /run/secrets/tls.pem)" ]; then
    die "the proxy still has the former certificate: $CERTIFICATE was replaced by another file (mv), not overwritten. Overwrite it (cat new.pem >$CERTIFICATE) after \"docker compose up -d --force-recreate haproxy\", which interrupts the service for some seconds"
fi

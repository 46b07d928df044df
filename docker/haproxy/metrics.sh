#!/bin/bash
# Metrics once, run inside the proxy's container:
#
#   docker compose exec haproxy bash /wehpu/haproxy/metrics.sh            the proxy's own
#   docker compose exec haproxy bash /wehpu/haproxy/metrics.sh engine     those of one engine; or: spider
set -euo pipefail

# ask HOST PORT [HEADER]
ask() {
    local status
    exec 3<>"/dev/tcp/$1/$2"
    printf 'GET /metrics HTTP/1.0\r\nhost: %s\r\n%s\r\n' "$1" "${3:+$3$'\r\n'}" >&3
    read -r status <&3
    [[ $status == *" 200 "* ]] || { echo "$1 answers: ${status%$'\r'}" >&2; exit 1; }
    sed '1,/^\r$/d' <&3
}

case "${1:-}" in
"")
    # As start.sh has it: in production the password is in a file, and in nobody's environment but the proxy's.
    [ -z "${PROXY_STATS_PASSWORD_FILE:-}" ] || PROXY_STATS_PASSWORD=$(<"$PROXY_STATS_PASSWORD_FILE")
    ask 127.0.0.1 8404 "authorization: Basic $(printf 'stats:%s' "$PROXY_STATS_PASSWORD" | base64 -w 0)"
    ;;
engine | spider) ask "$1" 9090 ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

#!/bin/bash
# Reload without a gap, run inside the proxy's container by docker/reload.sh.
#
# The new process takes over addresses and health of the engines from the old one, instead of
# asking DNS and waiting for checks first. A broken configuration or certificate is refused,
# with what HAProxy says about it, and the old process serves on.
set -eu
CONFIG=/wehpu/haproxy/haproxy.cfg

# As in start.sh.
if [ -n "${PROXY_STATS_PASSWORD_FILE:-}" ]; then
    PROXY_STATS_PASSWORD=$(<"$PROXY_STATS_PASSWORD_FILE")
    export PROXY_STATS_PASSWORD
fi

# ask COMMAND: what the serving process answers.
ask() {
    exec 3<>/dev/tcp/127.0.0.1/8405
    printf '%s\n' "$1" >&3
    timeout 3 cat <&3
    exec 3>&-
}
process() { ask 'show info' | sed -n 's/^Pid: //p'; }

if ! said=$(haproxy -c -f "$CONFIG" 2>&1); then
    printf 'error: refused; the former configuration and certificate stay in use. HAProxy says:\n' >&2
    grep -E 'ALERT|rror' <<<"$said" >&2 || printf '%s\n' "$said" >&2
    exit 1
fi
before=$(process)
ask 'show servers state' >/tmp/servers.new
mv /tmp/servers.new /tmp/servers
kill -USR2 1
for _ in $(seq 1 100); do
    now=$(process 2>/dev/null) || now=
    if [ -n "$now" ] && [ "$now" != "$before" ]; then
        echo "reloaded: process $now serves, process $before finishes what it has begun"
        exit 0
    fi
    sleep 0.1
done
echo "error: the former process still serves after ten seconds; the proxy's log says why" >&2
exit 1

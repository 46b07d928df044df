#!/bin/bash
# Entry point of the proxy, in the official image as in the local stand-in.
set -eu
# The statistics password may come from a file, so that it is in no container's settings.
if [ -n "${PROXY_STATS_PASSWORD_FILE:-}" ]; then
    PROXY_STATS_PASSWORD=$(<"$PROXY_STATS_PASSWORD_FILE")
    export PROXY_STATS_PASSWORD
fi
# What reload.sh replaces; empty at first (version of the format, no servers).
echo 1 >/tmp/servers
exec haproxy -W -db -f /wehpu/haproxy/haproxy.cfg

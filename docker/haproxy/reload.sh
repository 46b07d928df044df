#!/bin/bash
# Reload without a gap, run inside the proxy's container:
#
#   docker compose exec haproxy bash /wehpu/haproxy/reload.sh
#
# The new process takes over addresses and health of the engines from the old one, instead of
# asking DNS and waiting for checks first. A broken configuration is refused.
set -eu
haproxy -c -q -f /wehpu/haproxy/haproxy.cfg
exec 3<>/dev/tcp/127.0.0.1/8405
printf 'show servers state\n' >&3
cat <&3 >/tmp/servers.new
mv /tmp/servers.new /tmp/servers
kill -USR2 1

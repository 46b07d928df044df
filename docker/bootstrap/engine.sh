#!/usr/bin/env bash
# The Docker engine itself, for machines that have none, or where nothing starts it.
#
#   docker/bootstrap/engine.sh up       see that an engine, compose v2 and buildx are there and running;
#                                       installs what is missing (root, Debian) and starts dockerd.
#                                       exit 0: ready   exit 3: no engine can run here (one line says why)
#   docker/bootstrap/engine.sh down     stop dockerd, if it was started by "up" and runs nothing any more
#   docker/bootstrap/engine.sh status   ready | none
set -uo pipefail
. "$(dirname "$0")/../progress.sh"

# Own names, so that an engine of the system is never mistaken for ours.
PID_FILE=/run/wehpu-dockerd.pid
LOG_FILE=/var/log/wehpu-dockerd.log

answers() { timeout 10 docker info >/dev/null 2>&1; }
ours_runs() { [ -s "$PID_FILE" ] && kill -0 "$(cat "$PID_FILE")" 2>/dev/null; }
none() {
    warn "no Docker engine: $*"
    exit 3
}

install_engine() {
    have docker && { have dockerd || answers; } && return 0
    have apt-get || none "docker is not installed and there is no apt-get to install it"
    is_root || none "docker is not installed and only root can install it"
    say "Docker engine (runs the containers)"
    install_packages docker.io iptables ca-certificates || none "the package docker.io cannot be installed"
}

start_engine() {
    answers && return 0
    is_root || none "dockerd does not answer and only root can start it (or add yourself to the group docker)"
    if [ -d /run/systemd/system ]; then
        step "start the Docker engine (systemd)" -- systemctl start docker ||
            none "systemctl start docker failed"
    else
        ours_runs || start_dockerd
    fi
    local i
    for i in $(seq 1 120); do
        answers && return 0
        [ -d /run/systemd/system ] || ours_runs || [ "$i" -lt 20 ] ||
            none "dockerd stopped: $(grep -aE 'level=(fatal|error)|failed' "$LOG_FILE" | tail -n 1 | cut -c 1-300)"
        sleep 0.5
    done
    none "dockerd does not answer after a minute, see $LOG_FILE"
}

start_dockerd() {
    say "  • start dockerd (no service manager here); its log: $LOG_FILE"
    rm -f "$PID_FILE"
    # A pid file left by an engine that was killed would make a new one refuse to start.
    if [ -s /var/run/docker.pid ] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then
        rm -f /var/run/docker.pid
    fi
    setsid nohup dockerd --pidfile "$PID_FILE" >"$LOG_FILE" 2>&1 </dev/null &
    local i
    for i in $(seq 1 40); do
        [ -s "$PID_FILE" ] && return 0
        sleep 0.25
    done
    none "dockerd does not start: $(tail -n 1 "$LOG_FILE" | cut -c 1-300)"
}

plugin_works() { docker "$1" version >/dev/null 2>&1; }

# compose v2 and buildx: what the system offers, else the two packages of Debian 13,
# which need nothing but libc, so nothing else on the machine is upgraded.
install_plugins() {
    plugin_works compose && plugin_works buildx && return 0
    have apt-get || none "docker compose v2 and buildx are missing (install the compose and buildx plugins)"
    is_root || none "docker compose v2 and buildx are missing and only root can install them"
    say "docker compose v2 and buildx (start and build the stack)"
    if [ "$(. /etc/os-release && echo "${ID:-}")" = debian ]; then
        local dir=$WEHPU_STATE/debian-next
        mkdir -p "$dir/debs"
        step "read the package lists of Debian 13" -- debian_next "$dir" apt-get update -q ||
            none "the package lists of Debian 13 cannot be read"
        (cd "$dir/debs" && step "fetch docker-compose and docker-buildx" -- \
            debian_next "$dir" apt-get download docker-compose docker-buildx) ||
            none "docker-compose and docker-buildx cannot be fetched"
        step "install them" -- dpkg -i "$dir"/debs/docker-compose_*.deb "$dir"/debs/docker-buildx_*.deb ||
            none "docker-compose and docker-buildx cannot be installed"
    else
        install_packages docker-compose-v2 docker-buildx ||
            none "docker compose v2 and buildx are missing and could not be installed"
    fi
    plugin_works compose || none "docker compose is installed but does not run"
    plugin_works buildx || none "docker buildx is installed but does not run"
}

case "${1:-}" in
up)
    install_engine
    start_engine
    install_plugins
    say "Docker engine $(docker version --format '{{.Server.Version}}'), compose $(docker compose version --short): ready"
    ;;
down)
    ours_runs || exit 0
    if [ -n "$(docker ps -q 2>/dev/null)" ]; then
        say "dockerd keeps running: other containers use it"
        exit 0
    fi
    pid=$(cat "$PID_FILE")
    kill "$pid"
    for _ in $(seq 1 60); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.5
    done
    kill -0 "$pid" 2>/dev/null && die "dockerd (pid $pid) does not stop"
    rm -f "$PID_FILE"
    say "dockerd stopped (it was started by make)"
    ;;
status)
    if have docker && answers && plugin_works compose; then echo ready; else echo none; fi
    ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

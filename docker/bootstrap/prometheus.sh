# shellcheck shell=bash disable=SC2034
# Sourced after progress.sh: Prometheus' own programs, where they are not installed. They are taken out of Debian's package
# "prometheus", which is not installed itself: that would start a service.
#
#   find_program NAME      prometheus or promtool: its path in PROGRAM; where there is none, the reason in NONE, and exit 1

NONE=
PROGRAM=
find_program() {
    local dir=$WEHPU_STATE/prometheus
    PROGRAM=$(command -v "$1" || true)
    [ -z "$PROGRAM" ] || return 0
    PROGRAM=$dir/usr/bin/$1
    [ ! -x "$PROGRAM" ] || return 0
    { have apt-get && have dpkg-deb; } || { NONE="no $1, and no apt-get to fetch it"; return 1; }
    mkdir -p "$dir"
    fetch() { (cd "$dir" && rm -f ./*.deb && apt-get -q -o APT::Sandbox::User= download prometheus); }
    if ! step "fetch $1 (Debian's package prometheus, not installed)" -- fetch; then
        # The package lists may be missing, or older than the archive.
        is_root || { NONE="no $1, and the package cannot be fetched without root (apt-get update)"; return 1; }
        NONE="no $1, and the package prometheus cannot be fetched"
        step "read the Debian package lists" -- apt-get update -q || return 1
        step "fetch $1 again" -- fetch || return 1
    fi
    dpkg-deb --fsys-tarfile "$dir"/prometheus_*.deb | tar -x -C "$dir" ./usr/bin/promtool ./usr/bin/prometheus
    rm -f "$dir"/*.deb
    "$PROGRAM" --version >/dev/null 2>&1 || { NONE="$1 of Debian's package does not run here"; return 1; }
}

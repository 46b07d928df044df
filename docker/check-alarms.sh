#!/usr/bin/env bash
# The alarms (docker/prometheus): each has a case in alerts.test.yml that fires and one that is quiet, and a row in the
# table of docs/OPERATIONS.md; each metric it reads is set in src/. Then Prometheus' own promtool tries rules, tests and
# the example of a configuration. Part of `make check`.
#
# Where promtool is not installed it is taken out of Debian's package "prometheus", which is not installed: that would
# start a service. exit 3: all that could be checked is well, but there is no promtool (one line says why).
set -euo pipefail
. "$(dirname "$0")/progress.sh"
cd "$WEHPU_ROOT"

RULES=docker/prometheus/alerts.yml
TESTS=docker/prometheus/alerts.test.yml
CONFIG=docker/prometheus/prometheus.yml
GUIDE=docs/OPERATIONS.md

# Words of the rules that have an underline and are no metric.
NO_METRICS='^(avg_over_time|clamp_min|histogram_quantile|exported_job|(engine|proxy)_errors)$'

wrong=0
complain() {
    warn "alarms: $*"
    wrong=$((wrong + 1))
}

alarms() { sed -n 's/^ *- alert: *//p' "$RULES"; }
# In the table under "### Alarms": all that is written like `This` in a first column.
# shellcheck disable=SC2016
rows() { sed -n '/^### Alarms/,/^##* [^A]/p' "$GUIDE" | awk -F'|' '/^\| `/ { print $2 }' | grep -o '`[^`]*`' | tr -d '`'; }
metrics() {
    # Without comments and what stands in quotes.
    sed -e 's/^ *#.*//' -e 's/"[^"]*"//g' "$RULES" | grep -oE '[a-z]+(_[a-z]+)+' | grep -vE "$NO_METRICS|^haproxy_" | sort -u
}

for found in alarms rows metrics; do
    [ -n "$($found)" ] || die "no $found found: has the format of a file changed?"
done

for alarm in $(alarms); do
    cases=$(grep -E "alertname: ${alarm}[, ]" "$TESTS" || true)
    grep -q 'exp_alerts: \[{' <<<"$cases" || complain "$alarm: $TESTS has no case in which it fires"
    grep -q 'exp_alerts: \[\]' <<<"$cases" || complain "$alarm: $TESTS has no case in which it is quiet"
    rows | grep -qxF "$alarm" || complain "$alarm: no row in the table «Alarms» of $GUIDE"
done
for row in $(rows) $(grep -oE 'alertname: \w+' "$TESTS" | sed 's/.* //' | sort -u); do
    alarms | grep -qxF "$row" || complain "$row: described or tested, but not in $RULES"
done
for metric in $(metrics); do
    # A histogram is set by its name, and read with one of these behind it.
    name=$(sed -E 's/_(bucket|count|sum)$//' <<<"$metric")
    grep -rqF "\"$name\"" src || complain "$metric: read in $RULES, but nothing in src/ sets it"
done
[ "$wrong" = 0 ] || die "$wrong things about the alarms do not fit together"
say "alarms: $(alarms | wc -l), each tried and described"

# find_promtool: sets PROMTOOL; on failure NONE says why there is none.
find_promtool() {
    local dir=$WEHPU_STATE/promtool
    PROMTOOL=$(command -v promtool || true)
    [ -z "$PROMTOOL" ] || return 0
    PROMTOOL=$dir/usr/bin/promtool
    [ ! -x "$PROMTOOL" ] || return 0
    { have apt-get && have dpkg-deb; } || { NONE="no promtool, and no apt-get to fetch it"; return 1; }
    mkdir -p "$dir"
    fetch() { (cd "$dir" && rm -f ./*.deb && apt-get -q -o APT::Sandbox::User= download prometheus); }
    if ! step "fetch promtool (Debian's package prometheus, not installed)" -- fetch; then
        # The package lists may be missing, or older than the archive.
        is_root || { NONE="no promtool, and the package cannot be fetched without root (apt-get update)"; return 1; }
        NONE="no promtool, and the package prometheus cannot be fetched"
        step "read the Debian package lists" -- apt-get update -q || return 1
        step "fetch promtool again" -- fetch || return 1
    fi
    dpkg-deb --fsys-tarfile "$dir"/prometheus_*.deb | tar -x -C "$dir" ./usr/bin/promtool
    rm -f "$dir"/*.deb
    "$PROMTOOL" --version >/dev/null 2>&1 || { NONE="promtool of Debian's package does not run here"; return 1; }
}

run() {
    say "\$ ${1##*/} ${*:2}"
    "$@"
}

NONE=
if ! find_promtool; then
    say "$NONE: rules, their tests and the configuration of Prometheus not checked (apt-get install prometheus)"
    exit 3
fi
run "$PROMTOOL" check rules "$RULES"
run "$PROMTOOL" check config "$CONFIG"
run "$PROMTOOL" test rules "$TESTS"

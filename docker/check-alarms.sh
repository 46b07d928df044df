#!/usr/bin/env bash
# The alarms (docker/prometheus): each has a case in alerts.test.yml that fires and one that is quiet, and a row in the
# table of docs/OPERATIONS.md; each metric it reads is set in src/. Then Prometheus' own promtool tries rules, tests and
# the example of a configuration. Part of `make check`.
#
# exit 3: all that could be checked is well, but there is no promtool (one line says why).
set -euo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/bootstrap/prometheus.sh"
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

run() {
    say "\$ ${1##*/} ${*:2}"
    "$@"
}

if ! find_program promtool; then
    say "$NONE: rules, their tests and the configuration of Prometheus not checked (apt-get install prometheus)"
    exit 3
fi
run "$PROGRAM" check rules "$RULES"
run "$PROGRAM" check config "$CONFIG"
run "$PROGRAM" test rules "$TESTS"

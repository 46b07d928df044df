#!/usr/bin/env bash
# `make check`: formatting, lints, documentation, scripts, the alarms with their tests, and (where the
# tool is installed) the dependencies' bans, licences and sources. Runs no other test.
set -euo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/bootstrap/toolchain.sh"
need_toolchain
cd "$WEHPU_ROOT"

run() {
    say "\$ $*"
    "$@"
}

run cargo fmt --all --check
run cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
RUSTDOCFLAGS='-D warnings' run cargo doc --workspace --all-features --no-deps --document-private-items --locked
if have shellcheck || { is_root && install_packages shellcheck; }; then
    run shellcheck --external-sources --severity=warning .ci/run docker/*.sh docker/*/*.sh tests/scripts/run.sh tests/fuzz/run.sh
else
    say "shellcheck is not installed: the scripts are not checked (apt-get install shellcheck)"
fi
# 3: no promtool can be had; it has said so.
docker/check-alarms.sh || [ $? = 3 ] || die "the alarms are not right"
if cargo deny --version >/dev/null 2>&1; then
    run cargo deny check bans licenses sources
else
    say "cargo-deny is not installed: dependencies' bans, licences and sources not checked (cargo install cargo-deny)"
fi

#!/usr/bin/env bash
# `make test`: the checks, then every test against a real replica set of three, which is set
# up before and removed after. ENGINE=none: native mongod instead of containers.
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/bootstrap/toolchain.sh"
need_toolchain
cd "$WEHPU_ROOT" || exit 1

trap 'docker/test-replset.sh down; [ "${KEEP_DOCKERD:-}" = yes ] || docker/bootstrap/engine.sh down' EXIT

docker/check.sh || die "the checks failed"
tests/scripts/run.sh || die "the tests of the scripts failed"
docker/test-replset.sh up || exit 1
say "\$ cargo test --workspace --all-features"
# The tests take no settings from their caller.
for name in $(compgen -e WEHPU_); do unset "$name"; done
cargo test --workspace --all-features --locked || die "tests failed"
say "all checks and tests passed"

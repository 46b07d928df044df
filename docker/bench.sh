#!/usr/bin/env bash
# `make bench`: the service against a minimal program on the same replica set, see tests/bench. Three native mongod on
# ports 27117-27119 (those of the tests), because containers with their data in memory would measure something else.
#
#   docker/bench.sh [options of `bench run`, e.g. --rounds 9 --seconds 10]
set -uo pipefail
. "$(dirname "$0")/progress.sh"
. "$WEHPU_ROOT/docker/bootstrap/toolchain.sh"
need_toolchain
cd "$WEHPU_ROOT" || exit 1

have wrk || install_packages wrk || die "the bench needs the load generator wrk (package wrk)"
# As docker/Dockerfile builds it; for this build only, since nothing without --target can be built so.
FLAGS='-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs'
HOST=$(rustc -vV | sed -n 's/^host: //p')
step "build the service and the bench" -- env RUSTFLAGS="$FLAGS" \
    cargo build --release --locked --target "$HOST" -p wehpu-engine -p bench --bins ||
    die "the bench does not compile"
export ENGINE=none
trap 'docker/test-replset.sh down' EXIT
RELEASE=${CARGO_TARGET_DIR:-target}/$HOST/release
docker/test-replset.sh up "$RELEASE/wehpu-engine" || exit 1
"$RELEASE/bench" run --engine "$RELEASE/wehpu-engine" \
    --uri 'mongodb://127.0.0.1:27117,127.0.0.1:27118,127.0.0.1:27119/?replicaSet=wehpu-test' "$@"

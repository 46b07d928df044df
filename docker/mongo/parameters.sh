# shellcheck shell=bash disable=SC2034
# What every mongod of this repository is started with. Sourced by start.sh in the containers, by the stack of plain
# processes, and by the replica set of the tests; each adds addresses, folders and the key file of its own.

COMMON_PARAMETERS=(
    --nounixsocket
    --wiredTigerCacheSizeGB=0.25
    --oplogSize=128
)

# A member of the service.
STACK_PARAMETERS=(
    "${COMMON_PARAMETERS[@]}"
    --replSet=wehpu
    # A member that is stopped waits this long for its clients to go elsewhere (default 15 s).
    --setParameter=shutdownTimeoutMillisForSignaledShutdown=2000
    # A member that copies from a silent one copies from another after 3 s, without a second try
    # (defaults: 7 s, twice). Until then no write reaches a majority.
    --setParameter=oplogNetworkTimeoutBufferSeconds=1
    --setParameter=oplogFetcherSteadyStateMaxFetcherRestarts=0
)

# A member for the tests. Each test has a database of its own with some fifty files: what is dropped is removed at once and
# not after five minutes.
TEST_PARAMETERS=(
    "${COMMON_PARAMETERS[@]}"
    --replSet=wehpu-test
    --setParameter=minSnapshotHistoryWindowInSeconds=0
)

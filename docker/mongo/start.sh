#!/bin/bash
# Entry point of the MongoDB members, in the official image as in the local stand-in: mongod
# wants its key file owned by itself and readable by nobody else, which a mounted file is not.
# Arguments are mongod's own; what they say counts instead of the same in parameters.sh.
set -eu
# Neither the old data nor the new: this member alone would mix them into the set.
if [ -e /data/db/.restore/exchange ]; then
    echo "a restore was cut off while it exchanged the data; docker/backup.sh resume finishes it" >&2
    exit 1
fi
umask 077
# Runs as mongod's own user; /run/wehpu is a tmpfs.
cat "${MONGO_KEY_FILE:-/wehpu/keyfile}" >/run/wehpu/keyfile
. /wehpu/parameters.sh
PARAMETERS=()
for parameter in "${STACK_PARAMETERS[@]}"; do
    [[ " $*" == *" ${parameter%=*}="* ]] || PARAMETERS+=("$parameter")
done
exec mongod --keyFile /run/wehpu/keyfile --bind_ip_all "${PARAMETERS[@]}" "$@"

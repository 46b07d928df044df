#!/bin/bash
# Entry point of the MongoDB members, in the official image as in the local stand-in: mongod
# wants its key file owned by itself and readable by nobody else, which a mounted file is not.
set -eu
umask 077
# Runs as mongod's own user; /run/wehpu is a tmpfs.
cat "${MONGO_KEY_FILE:-/wehpu/keyfile}" >/run/wehpu/keyfile
exec mongod --keyFile /run/wehpu/keyfile --bind_ip_all --nounixsocket "$@"

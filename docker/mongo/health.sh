#!/bin/bash
# Health of a MongoDB member without any client program: sends the command "hello" (which needs
# no sign-in) over bash's own TCP and succeeds when the answer says primary or secondary. So a
# member is unhealthy while it hangs, recovers, or waits for the set to be initiated. Prints which of the two it is.
#
#   health.sh [PORT]
set -eu -o pipefail
exec 3<>"/dev/tcp/127.0.0.1/${1:-27017}"
# OP_MSG: length 52, request id 1, reply to 0, opcode 2013, flags 0, section kind 0, then the
# document {hello: 1, $db: "admin"} of 31 bytes.
printf '\x34\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0' >&3
printf '\x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0' >&3
length=$(timeout 3 head -c 4 <&3 | od -An -tu4)
# BSON of {isWritablePrimary: true} or {secondary: true}.
timeout 3 head -c $((length - 4)) <&3 | LC_ALL=C grep -aoP '\x08\K(isWritablePrimary|secondary)(?=\x00\x01)' |
    sed 's/isWritablePrimary/primary/'

# shellcheck shell=bash disable=SC2034
# Sourced after project.sh: what the rehearsals share. Each has a stack of its own behind $URL, and defines
#
#   remove_all         removes that stack and its data
#   KEPT               what is said of it where KEEP=yes leaves it running
#
#   begin              a Docker engine and the base images; from now on the end of the script tidies up, however it comes
#   beside COMMAND...  runs it meanwhile, until end_beside or the end of the script
#   request ...        curl as the user of TOKEN; prints nothing by itself
#   log_in_with CODE   a WeChat user, whose token is TOKEN
#   bind_student N     that user is the simulator's student number N

TOKEN=
BEGUN=$SECONDS
BESIDE=()

beside() {
    "$@" &
    BESIDE+=($!)
}
end_beside() {
    [ ${#BESIDE[@]} -gt 0 ] || return 0
    kill "${BESIDE[@]}" 2>/dev/null
    wait "${BESIDE[@]}" 2>/dev/null
    BESIDE=()
}

finish() {
    local status=$?
    trap - EXIT INT TERM
    end_beside
    if [ "${KEEP:-}" = yes ]; then
        say "the stack keeps running: $KEPT"
    else
        remove_all
    fi
    [ "$status" = 0 ] || warn "the rehearsal failed after $((SECONDS - BEGUN))s"
    exit "$status"
}

begin() {
    trap finish EXIT
    trap 'exit 130' INT TERM
    docker/bootstrap/engine.sh up || die "the rehearsal needs a Docker engine"
    docker/bootstrap/images.sh || die "the base images are missing"
    use_stand_ins
}

request() { curl -s -o /dev/null --max-time 20 -H "Authorization: Bearer $TOKEN" "$@"; }

log_in_with() {
    TOKEN=$(curl -s --max-time 20 "$URL/api/login" -d "code=$1" | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
    [ -n "$TOKEN" ] || die "nobody can log in"
}

bind_student() {
    local number
    number=$(printf '%06d' "$1")
    request -f "$URL/api/bind" -d "studentId=311509$number" -d "vpnPassWord=vpn-$number" -d "jwcPassWord=jwc-$number" ||
        die "student $1 cannot be bound"
}

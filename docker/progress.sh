# shellcheck shell=bash
# Sourced by the scripts in this folder: how they tell a person what goes on.
#
#   say TEXT...            one line
#   warn TEXT...           one line on standard error
#   die TEXT...            one line on standard error, then exit 1
#   step TEXT -- CMD...    run CMD with its output in a log; say TEXT first, a sign of
#                          life every 20 s, and the seconds it took; on failure show
#                          the end of the log and return the command's status
#   setting NAME [DEFAULT] what compose takes for NAME: the environment, else .env
#   need_settings          a .env with a line that is none is named with that line, then exit 1
#
# With it comes install_packages (bootstrap/debian.sh).
#
# State that may be thrown away at any time lives in $WEHPU_STATE (target/stack).

WEHPU_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WEHPU_STATE=$WEHPU_ROOT/target/stack
# In somebody else's checkout: a folder of this user's own.
if ! mkdir -p "$WEHPU_STATE/log" 2>/dev/null || [ ! -w "$WEHPU_STATE/log" ]; then
    WEHPU_STATE=${TMPDIR:-/tmp}/wehpu-$(id -u)
    mkdir -m 0700 "$WEHPU_STATE" 2>/dev/null
    [ -O "$WEHPU_STATE" ] && mkdir -p "$WEHPU_STATE/log"
fi

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# The files with settings that compose reads beside the environment; the last one wins.
env_files() {
    if [ -n "${COMPOSE_ENV_FILES:-}" ]; then
        tr ',' '\n' <<<"$COMPOSE_ENV_FILES"
    else
        printf '%s\n' "$WEHPU_ROOT/.env"
    fi
}

# An empty value counts as none. NAME=value lines, quotes, comments; a $ in a value means itself here.
setting() {
    local name=$1 value='' file line
    if [ -n "${!name+set}" ]; then
        value=${!name}
    else
        while IFS= read -r file; do
            [ -r "$file" ] || continue
            while IFS= read -r line || [ -n "$line" ]; do
                [[ ${line%$'\r'} =~ ^[[:space:]]*(export[[:space:]]+)?${name}[[:space:]]*[=:][[:space:]]*(.*)$ ]] || continue
                value=${BASH_REMATCH[2]}
                case $value in
                \"*) value=${value#\"}; value=${value%%\"*} ;;
                \'*) value=${value#\'}; value=${value%%\'*} ;;
                \#*) value= ;;
                *) value=${value%%[[:space:]]#*}; value=${value%"${value##*[![:space:]]}"} ;;
                esac
            done <"$file"
        done < <(env_files)
    fi
    printf '%s' "${value:-${2:-}}"
}

# Where compose is at hand it says this itself (need_configuration in project.sh), and more.
need_settings() {
    local file line number quote
    while IFS= read -r file; do
        [ -r "$file" ] || continue
        number=0 quote=
        while IFS= read -r line || [ -n "$line" ]; do
            number=$((number + 1))
            line=${line%$'\r'}
            # Inside a quoted value of several lines.
            if [ -n "$quote" ]; then
                [[ $line != *"${quote#* }"* ]] || quote=
                continue
            fi
            [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
            [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?[][A-Za-z0-9_.-]+[[:space:]]*([=:][[:space:]]*(.*))?$ ]] ||
                die "$file: line $number: not NAME=value"
            case ${BASH_REMATCH[3]} in
            \"*) [[ ${BASH_REMATCH[3]} == \"*\"* ]] || quote="$number \"" ;;
            \'*) [[ ${BASH_REMATCH[3]} == \'*\'* ]] || quote="$number '" ;;
            esac
        done <"$file"
        [ -z "$quote" ] || die "$file: line ${quote% *}: the quote ${quote#* } is not closed"
    done < <(env_files)
}

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

step() {
    local text=$1 log status=0 begun=$SECONDS watcher
    shift
    [ "$1" = -- ] && shift
    log=$(mktemp "$WEHPU_STATE/log/step.XXXXXX")
    printf '  • %s …\n' "$text"
    # The sleep that outlives its watcher must not keep the reader of our output waiting.
    (
        while sleep 20 >/dev/null 2>&1; do
            printf '    … %s: %ss so far: %s\n' "$text" $((SECONDS - begun)) \
                "$(tail -n 1 "$log" | tr '\r' '\n' | tail -n 1 | cut -c 1-90)"
        done
    ) &
    watcher=$!
    "$@" >"$log" 2>&1 </dev/null || status=$?
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null || true
    if [ "$status" = 0 ]; then
        printf '    done in %ss\n' $((SECONDS - begun))
        rm -f "$log"
    else
        tail -n 25 "$log" | sed 's/^/    | /' >&2
        warn "    failed (exit $status) after $((SECONDS - begun))s; whole output: ${log#"$WEHPU_ROOT"/}"
    fi
    return "$status"
}

. "$WEHPU_ROOT/docker/bootstrap/debian.sh"

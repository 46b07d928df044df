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

# Debian packages by name, only those that are missing.
install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || { warn "no apt-get here to install: ${missing[*]}"; return 1; }
    is_root || { warn "not root, cannot install: ${missing[*]} (run: apt-get install ${missing[*]})"; return 1; }
    if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then
        step "read the Debian package lists" -- apt-get update -q || return 1
    fi
    step "install ${missing[*]}" -- env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}" && return 0
    # The lists may be older than the archive: once more with fresh ones.
    step "read the Debian package lists" -- apt-get update -q || return 1
    step "install ${missing[*]}" -- env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# Address of the Debian archive this machine itself uses, from its own apt sources.
debian_archive() {
    apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(LABEL)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$2 == "Debian" && $3 == "Debian" { print $1; exit }'
}

# debian_next DIR COMMAND...: run an apt command against Debian 13 in a folder of its own;
# the machine's own package lists and sources stay as they are.
debian_next() {
    local dir=$1 archive
    shift
    if [ ! -s "$dir/sources.list" ]; then
        archive=$(debian_archive)
        [ -n "$archive" ] || { warn "no Debian archive among this machine's apt sources"; return 1; }
        mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
        printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' \
            "$archive" >"$dir/sources.list"
    fi
    "$1" -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root "${@:2}"
}

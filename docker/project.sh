# shellcheck shell=bash disable=SC2034
# Sourced after progress.sh: which compose project a script works on, what it holds, and whether that may be destroyed.
#
#   need_configuration     what compose makes of its files, .env and the environment, in CONFIGURATION; its name in PROJECT;
#                          when compose cannot read them, its own words (file and line), then exit 1
#   need_free_ports        nothing but this project holds a port that the proxy publishes; else who does, then exit 1
#   container SERVICE      the id of its (first) container, running or not
#   role MEMBER            primary | secondary, or nothing
#   in_rotation            number of engines in the proxy's rotation
#   confirm_loss           says what is about to be destroyed and has it confirmed; exit 1 when it is not
#
# A script touches nothing of another project, whatever holds a port or a name.

MEMBERS=(mongo1 mongo2 mongo3)
CONFIGURATION=
PROJECT=

# With COMPOSE_FILE compose no longer reads the file that names the local stand-ins by itself. It goes behind the first one,
# so that what is laid over still wins.
use_stand_ins() {
    local files override=docker-compose.override.yml
    files=$(setting COMPOSE_FILE)
    [ -n "$files" ] && [ -e "$WEHPU_ROOT/$override" ] || return 0
    case ":$files:" in
    *":$override:"*) ;;
    *:*:*:*) export COMPOSE_FILE=${files%%:*}:$override:${files#*:} ;;
    esac
}
use_stand_ins

# The project's name without compose: for machines where it is not there.
project_of_files() {
    local name
    name=$(setting COMPOSE_PROJECT_NAME)
    printf '%s' "${name:-$(sed -n 's/^name: //p' "$WEHPU_ROOT/docker-compose.yml")}"
}

need_configuration() {
    local errors
    errors=$(mktemp "$WEHPU_STATE/log/compose.XXXXXX")
    if ! CONFIGURATION=$(docker compose config 2>"$errors"); then
        warn "error: the settings cannot be read: $(grep -v level=warning "$errors")"
        rm -f "$errors"
        exit 1
    fi
    rm -f "$errors"
    PROJECT=$(sed -n 's/^name: //p' <<<"$CONFIGURATION")
    warn_of_unknown_settings
}

# Compose ignores a variable that no file reads, and so a typing error. Every name that anything reads is in .env.example.
warn_of_unknown_settings() {
    local name known file
    known=$(sed -nE 's/^(# )?(WEHPU_[A-Z0-9_]+)=.*/\2/p' "$WEHPU_ROOT/.env.example")
    {
        compgen -e WEHPU_
        while IFS= read -r file; do
            [ ! -r "$file" ] || sed -nE 's/^[[:space:]]*(export[[:space:]]+)?(WEHPU_[A-Za-z0-9_]+)[[:space:]]*[=:].*/\2/p' "$file"
        done < <(env_files)
    } | sort -u | while IFS= read -r name; do
        grep -qxF -e "$name" -e "${name%_FILE}" <<<"$known" || warn "warning: $name is set, and nothing reads it (.env.example has all names)"
    done
}

# image_of SERVICE: what compose would start it from. ("config --images" names those of what it depends on, too.)
image_of() {
    awk -v service="  $1:" '$0 == service { ours = 1; next } /^  [^ ]/ { ours = 0 } ours && /^    image: / { print $2; exit }' <<<"$CONFIGURATION"
}

of_project() { printf 'label=com.docker.compose.project=%s' "$PROJECT"; }

# containers SERVICE... -- [docker ps options]: ids of their containers, without those of "docker compose run".
containers() {
    local service services=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do services+=("$1"); shift; done
    [ $# -eq 0 ] || shift
    for service in "${services[@]}"; do
        docker ps --quiet --no-trunc --filter "$(of_project)" --filter label=com.docker.compose.oneoff=False \
            --filter "label=com.docker.compose.service=$service" "$@"
    done
}
container() { containers "$1" -- --all | head -n 1; }

# Asked over the member's own port, from inside: needs no client program and no password.
role() {
    local id
    id=$(containers "$1")
    [ -n "$id" ] && docker exec --interactive "$id" bash -s <"$WEHPU_ROOT/docker/mongo/health.sh" 2>/dev/null
}

# Engines in the proxy's rotation, as its statistics have it.
in_rotation() {
    docker compose exec -T haproxy bash -c \
        'exec 3<>/dev/tcp/127.0.0.1/8405; printf "show stat\n" >&3; timeout 3 cat <&3' 2>/dev/null |
        awk -F, '$1 == "engines" && $2 ~ /^engine/ && $18 ~ /^UP/ { n++ } END { print n + 0 }'
}

volumes() { docker volume ls --quiet --filter "$(of_project)"; }

# Also a stack that was started with other settings than those at hand: a shell forgets which files it was given.
is_production() {
    local ids
    grep -qE '^ +WEHPU_PROFILE: "?prod"?$' <<<"$CONFIGURATION" && return 0
    mapfile -t ids < <(docker ps --all --quiet --filter "$(of_project)")
    [ ${#ids[@]} -gt 0 ] || return 1
    docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "${ids[@]}" | grep -qx 'WEHPU_PROFILE=prod'
}

# How many accounts there are, or why that is not known.
accounts() {
    local number name=$PROJECT-count-$$
    [ -n "$(containers "${MEMBERS[@]}")" ] || { echo "unknown: the database does not run"; return; }
    # Its dry run changes nothing, and counts what it goes through.
    number=$(timeout 60 docker compose run --rm --no-deps -T --name "$name" engine rekey --dry-run 2>/dev/null </dev/null |
        grep -oE '[0-9]+ accounts?' | tail -n 1)
    docker rm --force "$name" >/dev/null 2>&1
    [ -n "$number" ] && echo "${number% *}" || echo "unknown: the database does not answer"
}

# how_long SECONDS: 40 seconds, 5 minutes, 3 hours, 2 days.
how_long() {
    if [ "$1" -lt 120 ]; then
        echo "$1 seconds"
    elif [ "$1" -lt 7200 ]; then
        echo "$(($1 / 60)) minutes"
    elif [ "$1" -lt 172800 ]; then
        echo "$(($1 / 3600)) hours"
    else
        echo "$(($1 / 86400)) days"
    fi
}

backup_folder() {
    local folder
    folder=$(setting WEHPU_BACKUP_DIR backups)
    case $folder in /*) printf '%s' "$folder" ;; *) printf '%s' "$WEHPU_ROOT/$folder" ;; esac
}

# The project's backups, the newest first: seconds since 1970, a tab, the file. Their names tell when they were made.
backups() {
    local file at
    for file in "$(backup_folder)/$PROJECT"-*; do
        [[ ${file##*/} =~ ^"$PROJECT"-([0-9]{8})-([0-9]{2})([0-9]{2})([0-9]{2})\.tar\.gz(\.age)?$ ]] || continue
        at=$(date -d "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}:${BASH_REMATCH[3]}:${BASH_REMATCH[4]}" +%s 2>/dev/null) || continue
        printf '%s\t%s\n' "$at" "$file"
    done | sort -rn
}

newest_backup() {
    local at file folder
    folder=$(backup_folder)
    IFS=$'\t' read -r at file < <(backups)
    if [ -n "$at" ]; then
        echo "$(how_long $(($(date +%s) - at))) old, ${file#"$WEHPU_ROOT"/}"
    else
        echo "none in ${folder#"$WEHPU_ROOT"/}"
    fi
}

# confirm_loss WHAT [MORE]: WHAT is a line for a person; MORE is data that lies outside of the project's volumes.
# Asks wherever there may be accounts: only a development stack whose database says that it holds none goes unasked.
confirm_loss() {
    local there=${2:-} volumes='' profile=development accounts='unknown: the database does not run'
    if [ -n "$CONFIGURATION" ]; then
        volumes=$(volumes | paste -sd ' ')
        [ -z "$volumes" ] || accounts=$(accounts)
        is_production && profile=production
    fi
    [ -n "$volumes$there" ] || return 0
    [ "$profile" = development ] && [ "$accounts" = 0 ] && [ -z "$there" ] && return 0
    say "$1"
    printf '  %-14s %s\n' project "$PROJECT ($profile)"
    [ -z "$volumes" ] || printf '  %-14s %s\n' volumes "$volumes" accounts "$accounts"
    [ -z "$there" ] || printf '  %-14s %s\n' 'also' "$there"
    printf '  %-14s %s\n' 'newest backup' "$(newest_backup)"
    if [ -n "${CONFIRM:-}" ]; then
        [ "$CONFIRM" = "$PROJECT" ] || die "CONFIRM says $CONFIRM, the project is $PROJECT: nothing was changed"
        return 0
    fi
    [ -t 0 ] || die "nothing was changed: there is no terminal to ask at; CONFIRM=$PROJECT confirms it"
    local answer=
    read -r -p "Type the project's name ($PROJECT) to go on: " answer
    [ "$answer" = "$PROJECT" ] || die "not confirmed, nothing was changed"
}

# listeners PORT: addresses (as the kernel writes them) and inodes of the sockets that listen there.
listeners() {
    awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print substr($2, 1, length($2) - 5), $10 }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# kernel_address A.B.C.D: as listeners has it.
kernel_address() { awk -F. '{ printf "%02X%02X%02X%02X", $4, $3, $2, $1 }' <<<"$1"; }

# port_taken PORT [ADDRESS]: does something listen there, on that address or on all?
port_taken() {
    local address=${2:-0.0.0.0} theirs
    [ -r /proc/net/tcp ] || { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; return; }
    while read -r theirs _; do
        case $address in 0.0.0.0 | '*' | '' | *:*) return 0 ;; esac
        [[ $theirs =~ ^0+$ || $theirs == *"$(kernel_address "$address")" ]] && return 0
    done < <(listeners "$1")
    return 1
}

# port_holder PORT: who that is, as far as this user may see it.
port_holder() {
    local name owner inode pid
    if have docker; then
        IFS=$'\t' read -r name owner < <(docker ps --filter "publish=$1" \
            --format '{{.Names}}{{"\t"}}{{.Label "com.docker.compose.project"}}' 2>/dev/null)
        if [ -n "${name:-}" ]; then
            echo "the container $name${owner:+ of project $owner}"
            return
        fi
    fi
    while read -r _ inode; do
        pid=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" 2>/dev/null | head -n 1 | cut -d / -f 3)
        [ -n "$pid" ] || continue
        echo "$(tr -d '\0' <"/proc/$pid/comm"), process $pid"
        return
    done < <(listeners "$1")
    echo "a process that this user cannot see"
}

# Address and port of each line that is published, from what compose made of the files.
published() {
    awk '/^ +- mode: / { ip = "0.0.0.0" } /^ +host_ip: / { ip = $2 }
        /^ +published: / { gsub(/"/, "", $2); if ($2 ~ /^[0-9]+$/) print ip, $2 }' <<<"$CONFIGURATION"
}

need_free_ports() {
    local address port
    while read -r address port; do
        [ -z "$(docker ps --quiet --filter "publish=$port" --filter "$(of_project)")" ] || continue
        if port_taken "$port" "$address" || [ -n "$(docker ps --quiet --filter "publish=$port")" ]; then
            case $port in
            "$(setting WEHPU_HTTPS_PORT 443)") port_is_taken "$port" "" WEHPU_HTTPS_PORT ;;
            *) port_is_taken "$port" "" WEHPU_HTTP_PORT ;;
            esac
        fi
    done < <(published)
}

# port_is_taken PORT PART [VARIABLE]: who holds it, and what to do; exit 1. The first line says it all.
port_is_taken() {
    local holder other=$(($1 + 1))
    holder=$(port_holder "$1")
    warn "error: port $1${2:+ (for $2)} is taken by $holder"
    [[ $holder != *" of project $PROJECT" ]] || warn "  make down stops that: it is this project's own"
    if [ -n "${3:-}" ]; then
        while port_taken "$other"; do other=$((other + 1)); done
        warn "  end it yourself, or take another port: $3=$other make up, or the line $3=$other in .env"
    else
        warn "  end it yourself: this port is fixed"
    fi
    exit 1
}

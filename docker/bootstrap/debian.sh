# shellcheck shell=bash
# Sourced by progress.sh: Debian packages, for what a bare machine lacks.
#
#   install_packages NAME...         installs those that are missing (root)
#   debian_archive                   address of the archive that this machine's apt uses
#   debian_next DIR APT-COMMAND...   the same apt command with the packages of Debian 13

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

debian_archive() {
    apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(LABEL)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$2 == "Debian" && $3 == "Debian" { print $1; exit }'
}

# In a folder of its own, DIR: the machine's package lists and sources stay as they are.
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

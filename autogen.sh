#!/bin/bash
# autogen.sh - from a fresh clone to ./configure, to a first look, or to all tests.
#
#     ./autogen.sh                      makes ./configure, nothing else
#     ./autogen.sh demo                 installs what is missing, builds, shows a sample capture's sessions
#     ./autogen.sh check                installs what is missing, builds, runs all tests
#     ./autogen.sh --no-install [demo|check]
#                                       only names what is missing; exit status 1 if anything is
#
# Packages are installed with apt-get, after they were named. Environment:
# CONFIGURE_FLAGS are passed on to ./configure, BUILD_DIR (build) is where it is built.
set -euo pipefail

cd "$(dirname "$0")"
TREE=$PWD
BUILD_DIR=${BUILD_DIR:-$TREE/build}

# What each step needs: "how to see that it is there | Debian package | what it is".
# A check is "command NAME", "library PKG-CONFIG-MODULE" or "header FILE".
NEEDED_TO_CONFIGURE='
command autoconf|autoconf|GNU autoconf
command automake|automake|GNU automake
command pkg-config|pkg-config|pkg-config
'
NEEDED_TO_BUILD='
command gcc|gcc|a C11 compiler
command make|make|GNU make
header stdio.h|libc6-dev|the C library with its headers
library libpcap|libpcap-dev|libpcap
library libndpi|libndpi-dev|nDPI 4.2 or later
library sqlite3|libsqlite3-dev|SQLite 3.37 or later
library libcrypto|libssl-dev|OpenSSL 3 (libcrypto)
library libmagic|libmagic-dev|libmagic, which tells what files hold
library gmime-3.0|libgmime-3.0-dev|GMime, whose decoders read mails
library libnghttp2|libnghttp2-dev|nghttp2
library zlib|zlib1g-dev|zlib
library libxxhash|libxxhash-dev|xxHash
library libzstd|libzstd-dev|zstd
library libbrotlidec|libbrotli-dev|brotli
'
NEEDED_TO_TEST='
command python3|python3|Python 3.9 or later, its standard library alone
command tshark|tshark|tshark, for a second opinion on what was read
command gzip|gzip|gzip
command zstd|zstd|the zstd program
command xz|xz-utils|xz, for the source archive of make distcheck
'

say()
{
    printf 'autogen.sh: %s\n' "$*" >&2
}

# present CHECK: whether what the check names is there
present()
{
    local kind=${1%% *} name=${1#* }

    case $kind in
    command) command -v "$name" > /dev/null 2>&1 ;;
    library) command -v pkg-config > /dev/null 2>&1 && pkg-config --exists "$name" 2> /dev/null ;;
    header) command -v gcc > /dev/null 2>&1 && printf '#include <%s>\n' "$name" | gcc -E - > /dev/null 2>&1 ;;
    esac
}

# missing LIST...: the lines of the lists whose check fails
missing()
{
    local line

    while IFS= read -r line; do
        [ -n "$line" ] || continue
        present "${line%%|*}" || printf '%s\n' "$line"
    done <<< "$*"
}

name_missing()
{
    local line check rest

    while IFS= read -r line; do
        check=${line%%|*}
        rest=${line#*|}
        printf '    %-45s %-18s (looked for: %s)\n' "${rest#*|}" "${rest%%|*}" "$check" >&2
    done <<< "$1"
}

packages_of()
{
    local line rest

    while IFS= read -r line; do
        rest=${line#*|}
        printf '%s ' "${rest%%|*}"
    done <<< "$1"
}

# set_up LIST...: sees to it that all is there, or ends
set_up()
{
    local lacking packages root=()

    lacking=$(missing "$@")
    if [ -z "$lacking" ]; then
        say 'every tool and library that is needed is there'
        return
    fi
    say 'missing (what it is, its Debian package):'
    name_missing "$lacking"
    packages=$(packages_of "$lacking")
    if [ "$may_install" = no ]; then
        say "on Debian and its kin: apt-get install $packages"
        exit 1
    fi
    if ! command -v apt-get > /dev/null 2>&1; then
        say 'this system has no apt-get, so nothing can be installed for you.'
        say 'Install the above with your own package manager, libraries with their headers and .pc files'
        say '(in an unusual place: name the folder of the .pc files in PKG_CONFIG_PATH), then start this again.'
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo > /dev/null 2>&1; then
            say "you are not root and there is no sudo. As root: apt-get install $packages"
            exit 1
        fi
        root=(sudo)
    fi
    say "installing with apt-get: $packages"
    # shellcheck disable=SC2086
    apt_install $packages
    lacking=$(missing "$@")
    if [ -n "$lacking" ]; then
        say 'still missing after the installation:'
        name_missing "$lacking"
        exit 1
    fi
}

# apt_install PACKAGE...: with a fresh list of packages if the present one does not know them
apt_install()
{
    local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends)

    if ! "${apt[@]}" install "$@" < /dev/null >&2; then
        say 'once more, with a fresh list of packages'
        "${apt[@]}" update < /dev/null >&2
        "${apt[@]}" install "$@" < /dev/null >&2
    fi
}

make_configure()
{
    say 'making ./configure'
    autoreconf -fi
}

build()
{
    local flags=()

    read -r -a flags <<< "${CONFIGURE_FLAGS:-}" || true
    make_configure
    mkdir -p "$BUILD_DIR"
    cd "$BUILD_DIR"
    say "building in $BUILD_DIR"
    "$TREE/configure" --quiet "${flags[@]}"
    make -j"$(nproc 2> /dev/null || echo 2)"
}

demo()
{
    local database=$BUILD_DIR/demo.db

    build
    rm -f "$database"
    say "reading the sample capture: wirescribe read tests/demo/demo.pcap -o $database"
    ./wirescribe read "$TREE/tests/demo/demo.pcap" -o "$database"
    printf '\n$ wirescribe sessions %s\n' "$database"
    ./wirescribe sessions "$database"
    demo_query "$database" "SELECT protocol, count(*) AS sessions, sum(bytes) AS bytes FROM sessions GROUP BY protocol"
    demo_query "$database" "SELECT start_time, client_ip, server_ip, mail_from, recipients, subject, outcome FROM smtp_mails"
    printf '\nNow ask it yourself: %s/wirescribe sql %s "SELECT ..."\n' "$BUILD_DIR" "$database"
    printf 'What there is to ask: %s/wirescribe schema\n' "$BUILD_DIR"
}

demo_query()
{
    printf '\n$ wirescribe sql %s "%s"\n' "$1" "$2"
    ./wirescribe sql "$1" "$2"
}

usage()
{
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$TREE/autogen.sh"
}

may_install=yes
step=configure
for argument in "$@"; do
    case $argument in
    --no-install) may_install=no ;;
    demo | check) step=$argument ;;
    -h | --help) usage; exit 0 ;;
    *) say "unknown argument: $argument"; usage >&2; exit 2 ;;
    esac
done

case $step in
configure)
    # plain: the tools must be there already; nothing is installed without being asked
    lacking=$(missing "$NEEDED_TO_CONFIGURE")
    if [ "$may_install" = no ]; then
        set_up "$NEEDED_TO_CONFIGURE" "$NEEDED_TO_BUILD"
        exit 0
    fi
    if [ -n "$lacking" ]; then
        say 'to make ./configure, these are missing (what it is, its Debian package):'
        name_missing "$lacking"
        say "on Debian and its kin: apt-get install $(packages_of "$lacking")"
        exit 1
    fi
    make_configure
    say 'now: ./configure && make && make check'
    ;;
demo)
    set_up "$NEEDED_TO_CONFIGURE" "$NEEDED_TO_BUILD"
    [ "$may_install" = yes ] || exit 0
    demo
    ;;
check)
    set_up "$NEEDED_TO_CONFIGURE" "$NEEDED_TO_BUILD" "$NEEDED_TO_TEST"
    [ "$may_install" = yes ] || exit 0
    build
    make check
    ;;
esac

#!/bin/bash
# Installs the servers and clients that the recorded test cases are made with, and the fuzzer (Debian 12, apt).
#
#   install.sh            name what is missing, then install it
#   install.sh --check    only name what is missing; exit status 1 if anything is
#   install.sh --folder   name the folder of the unpacked servers
#
# Debian lets one mail server and one FTP server be installed: Postfix and ProFTPD. The others are fetched and unpacked
# into a folder of their own (WIRESCRIBE_SERVERS, default /var/cache/wirescribe-servers); only their libraries are installed.
# No service is left running: while apt works, policy-rc.d forbids every start, and Postfix is
# told to write no configuration. The recording scripts start private instances of their own.
set -euo pipefail

packages=(
    # network namespaces, recording
    ethtool iproute2 tcpdump psmisc python3 openssl
    # SMTP
    postfix libsasl2-modules libsasl2-modules-db sasl2-bin swaks dovecot-core dovecot-lmtpd s-nail sharutils
    # SSH
    openssh-server openssh-client dropbear-bin openssh-client-ssh1 putty-tools python3-paramiko python3-asyncssh python3-pexpect tinysshd libssh-dev gcc libc6-dev
    rsync git xauth x11-apps
    # WebSocket
    python3-websockets websocketd nodejs node-ws libwebsockets-test-server nginx tinyproxy-bin chromium
    # HTTP/2
    nodejs nghttp2-client nghttp2-server nghttp2-proxy nginx curl chromium
    # what travels inside WebSocket
    websockify mosquitto
    # RDP
    xrdp tigervnc-standalone-server fuse3 xterm xinput x11-xserver-utils freerdp2-x11 freerdp2-shadow-x11 winpr-utils rdesktop xvfb xdotool xclip gcc libc6-dev
    # FTP
    proftpd-core proftpd-mod-crypto python3-pyftpdlib lftp curl ncftp
    # make fuzz
    clang
)

unpacked=(exim4-daemon-light opensmtpd vsftpd pure-ftpd)
# Modules of Node.js, into the folder's node/: libraries that speak inside WebSocket.
modules=(ws@8.18.0 socket.io@4.8.1 socket.io-client@4.8.1 graphql-ws@5.16.0 graphql@16.9.0 subscriptions-transport-ws@0.11.0 mqtt@5.10.1
    @stomp/stompjs@7.0.0 stomp-broker-js@1.3.0 rpc-websockets@10.0.1 wstunnel@1.4.0)
servers=${WIRESCRIBE_SERVERS:-/var/cache/wirescribe-servers}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The libraries that a package depends on, as apt knows them.
libraries_of() {
    apt-cache show --no-all-versions "$1" | sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/^ *//; s/[ (|:].*//' | grep '^lib' || true
}

# Fetches a package and unpacks it into its folder; the folder appears when all of it is there.
unpack() {
    local package=$1 fetched
    fetched=$(mktemp -d)
    chmod 755 "$fetched"
    (cd "$fetched" && apt-get download -q "$package")
    mkdir -p "$servers"
    rm -rf "${servers:?}/$package" "${servers:?}/$package.new"
    dpkg-deb -x "$fetched"/*.deb "$servers/$package.new"
    dpkg-deb -W "$fetched"/*.deb | tr '\t' ' ' >"$servers/$package.new/VERSION"
    mv "$servers/$package.new" "$servers/$package"
    rm -rf "$fetched"
}

# The folder's node/ holds exactly these modules.
has_modules() {
    [ "$(cat "$servers/node/MODULES" 2>/dev/null)" = "${modules[*]}" ]
}

# Fetches them without running any script of theirs; the folder appears when all of it is there.
fetch_modules() {
    rm -rf "$servers/node" "$servers/node.new"
    mkdir -p "$servers/node.new"
    npm install --prefix "$servers/node.new" --ignore-scripts --no-audit --no-fund --no-save --loglevel=error "${modules[@]}"
    echo "${modules[*]}" >"$servers/node.new/MODULES"
    mv "$servers/node.new" "$servers/node"
}

if [ "${1-}" = --folder ]; then
    echo "$servers"
    exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "install.sh: this system has no apt; install by hand: ${packages[*]}; unpack: ${unpacked[*]}" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
absent=()
for package in "${unpacked[@]}"; do
    [ -s "$servers/$package/VERSION" ] || absent+=("$package")
done
if [ "${#missing[@]}" -eq 0 ] && [ "${#absent[@]}" -eq 0 ] && has_modules; then
    echo "recording tools: all ${#packages[@]} packages are installed, ${#unpacked[@]} are unpacked in $servers, and ${#modules[@]} modules"
    exit 0
fi
has_modules || absent_modules=${modules[*]}
echo "recording tools: missing: ${missing[*]} ${absent[*]} ${absent_modules-}"
# Node.js may have come with its own npm; else Debian's is installed.
if ! has_modules && ! command -v npm >/dev/null; then
    missing+=(npm)
fi
if [ "${1-}" = --check ]; then
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "install.sh: installing needs root" >&2
    exit 1
fi

policy=/usr/sbin/policy-rc.d
kept_policy=
restore_policy() {
    rm -f "$policy"
    if [ -n "$kept_policy" ]; then
        mv "$kept_policy" "$policy"
    fi
}
if [ -e "$policy" ]; then
    kept_policy=$policy.kept-$$
    mv "$policy" "$kept_policy"
fi
trap restore_policy EXIT
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
apt-get update -q
for package in "${absent[@]}"; do
    mapfile -t -O "${#missing[@]}" missing < <(libraries_of "$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get install -q -y --no-install-recommends "${missing[@]}"
fi
for package in "${absent[@]}"; do
    unpack "$package"
done
has_modules || fetch_modules
echo "recording tools: installed ${missing[*]}; unpacked ${absent[*]} ${absent_modules-}"

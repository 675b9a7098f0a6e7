#!/bin/bash
# Installs the servers and clients that the recorded test cases are made with, and the fuzzer (Debian 12, apt).
#
#   install.sh            name what is missing, then install it
#   install.sh --check    only name what is missing; exit status 1 if anything is
#
# No service is left running: while apt works, policy-rc.d forbids every start, and Postfix is
# told to write no configuration. The recording scripts start private instances of their own.
set -euo pipefail

packages=(
    # network namespaces, recording
    ethtool iproute2 tcpdump psmisc python3 openssl
    # SMTP
    postfix libsasl2-modules libsasl2-modules-db sasl2-bin swaks
    # SSH
    openssh-server openssh-client dropbear-bin
    # WebSocket
    python3-websockets websocketd
    # RDP
    xrdp freerdp2-x11 xvfb xdotool xclip
    # FTP (Debian lets only one ftp-server package be installed; pyftpdlib is a second implementation)
    proftpd-core proftpd-mod-crypto python3-pyftpdlib lftp curl
    # make fuzz
    clang
)

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "install.sh: this system has no apt; install by hand: ${packages[*]}" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
    echo "recording tools: all ${#packages[@]} packages are installed"
    exit 0
fi
echo "recording tools: missing: ${missing[*]}"
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
apt-get install -q -y --no-install-recommends "${missing[@]}"
echo "recording tools: installed ${missing[*]}"

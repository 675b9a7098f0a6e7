#!/bin/bash
# Records a batch of randomized SSH sessions and the truth about each (needs root; see ssh_sessions.py).
#
#   ssh_sessions.sh --out FOLDER --seed N [--sessions N] [--only BEHAVIOUR,...] [--largest BYTES]
#
# FOLDER gets capture.pcap and truth.json. RECORD_KEEP=FOLDER keeps the logs there.
set -euo pipefail

record_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=library.sh
. "$record_folder/library.sh"
export LC_ALL=C.UTF-8 TZ=UTC
unset http_proxy https_proxy ftp_proxy all_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY SSH_AUTH_SOCK DISPLAY
network_open
status=0
/usr/bin/python3 "$record_folder/ssh_sessions.py" --network "$network" --work "$work" "$@" || status=$?
if [ -n "${RECORD_KEEP-}" ]; then
    mkdir -p "$RECORD_KEEP"
    cp -r "$work"/session* "$work"/services.log "$RECORD_KEEP"
fi
exit "$status"

#!/bin/bash
# Records a batch of randomized SSH sessions and the truth about each (needs root; see ssh_sessions.py).
#
#   ssh_sessions.sh --out FOLDER --seed N [--sessions N] [--only BEHAVIOUR,...] [--largest BYTES] [--held-out]
#
# FOLDER gets capture.pcap, truth.json and README.md. --held-out says in the README that no rule was tuned on the batch.
# RECORD_KEEP=FOLDER keeps the logs there.
set -euo pipefail

record_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/record/library.sh
. "$record_folder/library.sh"
# tinysshd refuses keys below a folder that others may write to, as /tmp is.
export LC_ALL=C.UTF-8 TZ=UTC TMPDIR=/var/cache
unset http_proxy https_proxy ftp_proxy all_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY SSH_AUTH_SOCK DISPLAY

out=
arguments=()
tuned='Rules were tuned with this batch in sight.'
while [ $# -gt 0 ]; do
    case $1 in
        --held-out) tuned='Held out: a seed of its own, and no rule was tuned on it.' ;;
        --out) out=$2 ;;
    esac
    [ "$1" = --held-out ] || arguments+=("$1")
    shift
done
[ -n "$out" ] || die "--out FOLDER is needed"

# write_readme ARGUMENT...
write_readme() {
    cat <<README
# ssh/$(basename "$out")

Purpose: randomized SSH sessions, to be told from the lengths, directions and times of what is encrypted; ssh_confusion.py examines it.
$tuned

Origin: recorded from real servers and clients, all at the same time, each over a path of its own (ssh_relay.py); truth.json holds what the
servers' logs, the clients' logs and the driver said; where they did not agree, the session was left out:
$(versions openssh-server openssh-client openssh-client-ssh1 dropbear-bin tinysshd putty-tools python3-paramiko python3-asyncssh libssh-4 | sed 's/^/- /')

Made by: \`tests/record/ssh_sessions.sh $*\` (the seed draws the plan; packets and times differ from run to run)
README
}

network_open
status=0
/usr/bin/python3 "$record_folder/ssh_sessions.py" --network "${network:?}" --work "${work:?}" "${arguments[@]}" || status=$?
[ "$status" != 0 ] || write_readme "${arguments[@]}" >"$out/README.md"
if [ -n "${RECORD_KEEP-}" ]; then
    mkdir -p "$RECORD_KEEP"
    cp -r "$work"/session* "$work"/services.log "$RECORD_KEEP"
fi
exit "$status"

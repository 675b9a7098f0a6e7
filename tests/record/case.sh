#!/bin/bash
# Records one case: case.sh PROTOCOL CASE FOLDER. Called by record.sh.
# Runs PROTOCOL_CASE of PROTOCOL.sh (dashes become underscores) between fresh namespaces and
# leaves capture.pcap, truth.json and README.md in FOLDER.
set -euo pipefail

record_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
protocol=$1
case_name=$2
folder=$3

# shellcheck source=library.sh
. "$record_folder/library.sh"
# shellcheck source=/dev/null
. "$record_folder/$protocol.sh"

function_name=${protocol}_${case_name//-/_}
declare -F "$function_name" >/dev/null || die "no such case: $protocol/$case_name"

[ -z "${RECORD_DEBUG-}" ] || set -x
export LC_ALL=C.UTF-8 TZ=UTC
unset http_proxy https_proxy ftp_proxy all_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY
network_open
"$function_name"
mkdir -p "$folder"
for file in capture.pcap truth.json README.md; do
    [ -s "$work/$file" ] || die "$protocol/$case_name made no $file"
    cp "$work/$file" "$folder/$file"
done
# Arguments that the reader needs for this case, and the server's key that they name.
for file in options server.key keys.log; do
    rm -f "${folder:?}/$file"
    [ ! -e "$work/$file" ] || [ "$file" != keys.log ] || grep -qs keys.log "$work/options" || continue
    [ ! -e "$work/$file" ] || cp "$work/$file" "$folder/$file"
done

#!/bin/bash
# The command line as the manual promises it: forms of captures, several files, appending, the commands that read a database
# and their formats, and (as root) a network device.
set -euo pipefail
# shellcheck source=tests/shell_checks.sh
. "$(dirname "$0")/shell_checks.sh"

good=$tests/smtp/plain/capture.pcap
other=$tests/ssh/openssh/capture.pcap
mails='SELECT start_us, client_ip, client_port, mail_from, recipients, size, reply, outcome FROM smtp_mails'
all_flows='SELECT start_us, client_ip, client_port, server_ip, server_port, protocol, state, client_bytes, server_bytes FROM flows ORDER BY 1, 3'

# answer DATABASE SQL: the rows, without the header
answer() { "$wirescribe" sql "$1" "$2" --format tsv | tail -n +2; }

try read "$good" -o whole.db -q
expect_status 0
whole=$(answer whole.db "$mails")
[ -n "$whole" ] || complain 'no mail was found'
ends 'a capture'

# ---- forms of captures -----------------------------------------------------------

mkdir forms
python3 -B "$tests/capture_forms.py" "$good" forms
for form in forms/*; do
    rm -f form.db
    try read "$form" -o form.db -q
    expect_status 0
    expect_silence
    [ ! -e form.db ] || expect_sql form.db "$mails" "$whole"
    ends "the form ${form#forms/}"
done
expect_sql form.db 'SELECT kind, truncated, finished FROM captures' $'file\t0\t1'
ends 'what captures says of a file'

rm -f form.db
try read forms/vlan.pcap -o form.db -q
expect_sql form.db 'SELECT DISTINCT vlan FROM flows' 7
ends 'the VLAN'

rm -f form.db
try read - -o form.db -q < "$good"
expect_status 0
expect_sql form.db "$mails" "$whole"
expect_sql form.db 'SELECT source FROM captures' -
ends 'standard input'

rm -f form.db
try read - -o form.db -q < forms/ethernet.pcap.gz
expect_status 0
expect_sql form.db "$mails" "$whole"
ends 'gzip on standard input'

# ---- several files -----------------------------------------------------------------

# the capture in two files, cut in the middle of a conversation
python3 -B - "$tests" "$good" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import split_segments
link_type, packets = split_segments.read_capture(sys.argv[2])
half = len(packets) // 2
split_segments.write_pcap('first.pcap', link_type, packets[:half])
split_segments.write_pcap('second.pcap', link_type, packets[half:])
PYTHON
try read first.pcap second.pcap -o halves.db -q
expect_status 0
expect_sql halves.db "$mails" "$whole"
expect_sql halves.db 'SELECT group_concat(source) FROM captures' 'first.pcap,second.pcap'
ends 'a flow continues from one file to the next'

try read second.pcap first.pcap -o turned.db -q
expect_status 0
expect_sql turned.db "$mails" "$whole"
expect_sql turned.db 'SELECT group_concat(source) FROM captures' 'first.pcap,second.pcap'
ends 'files out of the order of time'

mkdir folder
cp first.pcap folder/1.pcap
cp second.pcap folder/2.pcap
try read folder -o folder.db -q
expect_status 0
expect_sql folder.db "$mails" "$whole"
ends 'a directory'

try read "$good" "$other" -o both.db -q
try read "$good" -o grown.db -q
try read "$other" -o grown.db --append -q
expect_status 0
[ "$(answer both.db "$all_flows")" = "$(answer grown.db "$all_flows")" ] || complain 'the flows differ'
expect_sql grown.db 'SELECT count(*), count(DISTINCT flow_id) FROM flows' "$(answer both.db 'SELECT count(*), count(*) FROM flows')"
expect_sql grown.db 'SELECT group_concat(capture_id) FROM captures' 1,2
expect_sql grown.db 'SELECT count(*) FROM ssh_sessions s JOIN flows f USING (flow_id) WHERE f.protocol IS NOT "ssh"' 0
ends 'what --append adds is what reading all at once gives'

# two recordings of the same address, with host keys of their own
try read "$tests/ssh/openssh/capture.pcap" -o changed.db -q
answer changed.db "SELECT count(*) FROM findings WHERE name = 'ssh_host_key_changed'" > before.text
try read "$tests/ssh/sftp/capture.pcap" -o changed.db --append -q
answer changed.db "SELECT count(*) FROM findings WHERE name = 'ssh_host_key_changed' AND flow_id = 2" > after.text
[ "$(cat before.text after.text | tr '\n' ' ')" = '0 1 ' ] || complain "a changed host key is not found: $(cat before.text after.text)"
ends 'a host key that changed from one run to the next'

try read "$tests/tls/https12/capture.pcap" -o certificates.db -q
answer certificates.db "SELECT count(*) FROM findings WHERE name = 'tls_certificate_changed'" > before.text
try read "$tests/tls/cbc/capture.pcap" -o certificates.db --append -q
answer certificates.db "SELECT count(*) FROM findings WHERE name = 'tls_certificate_changed'" > after.text
[ "$(cat before.text after.text | tr '\n' ' ')" = '0 1 ' ] || complain "a changed certificate is not found: $(cat before.text after.text)"
ends 'a certificate that changed from one run to the next'

try read "$good" -o fresh.db --append -q
expect_status 0
expect_sql fresh.db "$mails" "$whole"
ends '--append makes a database where there is none'

# ---- options of read -------------------------------------------------------------------

try read "$good" "$other" -f 'tcp port 22' -o filtered.db -q
expect_status 0
expect_sql filtered.db 'SELECT group_concat(DISTINCT protocol) FROM flows' ssh
expect_sql filtered.db 'SELECT DISTINCT filter FROM captures' 'tcp port 22'
ends 'a filter'

try read "$good" -c 5 -o few.db -q
expect_status 0
expect_sql few.db 'SELECT packets FROM captures' 5
ends 'a count of packets'

# three sessions: right checksums, left to the network card, and one wrong segment
for mode in verify:2 offload:3 ignore:3; do
    rm -f sums.db
    try read "$tests/streams/checksums/capture.pcap" -o sums.db -q --checksums "${mode%:*}"
    expect_status 0
    expect_sql sums.db 'SELECT count(*) FROM flows' "${mode#*:}"
    expect_sql sums.db "SELECT name, packets FROM anomalies WHERE stage = 'decode'" $'tcp_checksum_wrong\t1\ntcp_checksum_offloaded\t11'
    ends "checksums: ${mode%:*}"
done
try read "$tests/streams/checksums/capture.pcap" -o sums.db --append --checksums verify
grep -q '12 packets were left out for their checksums' <<< "$err" || complain "nobody tells of them: '$err'"
expect_sql sums.db 'SELECT capture_id, packets FROM anomalies' $'1\t1\n1\t11\n2\t1\n2\t11'
try info sums.db --format tsv
grep -q $'^anomaly\ttcp_checksum_offloaded\t22$' <<< "$out" || complain "info tells nothing of them: '$out'"
try read "$good" -o sums.db --checksums sometimes
expect_status 2
expect_message sometimes
ends 'what is told of checksums'

for limit in 0:0 3:3 1K:5 16M:5; do
    try read "$tests/websocket/deflate/capture.pcap" -o "texts-${limit%:*}.db" -q --text-limit "${limit%:*}"
    expect_status 0
    expect_sql "texts-${limit%:*}.db" "SELECT coalesce(length(text), 0) FROM websocket_messages WHERE opcode = 'text' AND size = 5 AND from_side = 'client'" "${limit#*:}"
    expect_sql "texts-${limit%:*}.db" "SELECT count(DISTINCT sha256) FROM websocket_messages WHERE opcode = 'text'" 3
done
expect_sql texts-1K.db 'SELECT max(length(text)) FROM websocket_messages' 1024
for limit in 17M -1 some; do
    try read "$good" -o no-texts.db --text-limit="$limit"
    expect_status 2
    expect_message text-limit
    expect_no_file no-texts.db
done
ends 'the length of texts'

try read "$good" -o chatty.db
expect_status 0
[ -z "$out" ] || complain "stdout has '$out'"
grep -q packets <<< "$err" || complain "no summary: '$err'"
! grep -q $'\033' <<< "$err" || complain 'colours, though stderr is no terminal'
ends 'the summary goes to stderr'

(
    cd "$scratch/folder"
    "$wirescribe" read 1.pcap -q
)
[ -s folder/wirescribe.db ] || complain 'no wirescribe.db was made'
ends 'the database that is written without -o'

# interrupted while it waits for more on a pipe: what was read is kept
mkfifo pipe
"$wirescribe" read pipe -o interrupted.db > stdout.text 2> stderr.text &
reader=$!
exec 7> pipe
cat "$good" >&7
sleep 1
kill -INT "$reader"
sleep 0.5
exec 7>&-
status=0
wait "$reader" || status=$?
err=$(< stderr.text)
expect_status 1
expect_message interrupted
[ ! -e interrupted.db ] || expect_sql interrupted.db 'SELECT count(*) FROM smtp_sessions' 1
[ -e interrupted.db ] || complain 'nothing was kept'
ends 'Ctrl-C keeps what was read'

# ---- the commands that read a database ------------------------------------------------

for format in table csv tsv json ndjson; do
    for command in 'sessions both.db' 'files both.db' 'info both.db'; do
        # shellcheck disable=SC2086
        try $command --format $format
        expect_status 0
        expect_silence
        [ -n "$out" ] || complain 'it printed nothing'
        case $format in
        json) python3 -c 'import json, sys; json.load(sys.stdin)' < stdout.text || complain 'this is no JSON' ;;
        ndjson) python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' < stdout.text || complain 'this is no NDJSON' ;;
        csv) python3 -c 'import csv, sys; assert len({len(row) for row in csv.reader(sys.stdin)}) == 1' < stdout.text || complain 'ragged CSV' ;;
        tsv) python3 -c 'import sys; assert len({line.count("\t") for line in sys.stdin}) == 1' < stdout.text || complain 'ragged TSV' ;;
        esac
        ends "$command --format $format"
    done
done

tricky="SELECT 'a,\"b\"' || char(10) || 'c' || char(9) || '\\' AS text, NULL AS absent, 1.5 AS real, 7 AS number, char(27) || '[31m<b>' AS colour"
for format in csv tsv json ndjson; do
    try sql both.db "$tricky" --format "$format"
    expect_status 0
    cp stdout.text "tricky.$format"
done
python3 - << 'PYTHON' || complain 'a format does not give back what was in the database'
import csv, json
wanted = {'text': 'a,"b"\nc\t\\', 'absent': None, 'real': 1.5, 'number': 7, 'colour': '\x1b[31m<b>'}
assert json.load(open('tricky.json')) == [wanted]
assert [json.loads(line) for line in open('tricky.ndjson')] == [wanted]
rows = list(csv.reader(open('tricky.csv', newline='')))
assert rows[0] == list(wanted) and rows[1][0] == wanted['text'] and rows[1][1] == '' and rows[1][3] == '7', rows
lines = open('tricky.tsv').read().split('\n')
assert lines[1].split('\t')[0] == 'a,"b"\\nc\\t\\\\', lines
PYTHON
ends 'commas, quotes, line ends, tabs and NULL in every format'

try sql both.db "$tricky"
expect_status 0
! grep -q $'\033' stdout.text || complain 'an escape sequence from the database reaches the terminal'
ends 'a table is harmless for terminals'

try sql both.db 'SELECT 1 AS one; SELECT 2 AS two' --format tsv
expect_status 0
[ "$(tr -d '\r' < stdout.text | tr '\n' ' ')" = 'one 1 two 2 ' ] || complain "it said: $out"
ends 'several statements'

try sessions both.db --protocol ssh --format csv
expect_status 0
[ "$(wc -l < stdout.text)" = 2 ] || complain "not one session: $out"
try sessions both.db --limit 1 --format csv
[ "$(wc -l < stdout.text)" = 2 ] || complain "not one line: $out"
ends 'sessions of one protocol, and few of them'

# ---- the report -----------------------------------------------------------------------

try report both.db
expect_status 0
grep -q ssh stdout.text || complain "the report names no ssh"
grep -q smtp stdout.text || complain "the report names no smtp"
ends 'the report as text'

# text from the wire that would be markup
python3 -B - "$tests" "$good" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import split_segments
link_type, packets = split_segments.read_capture(sys.argv[2])
for packet in packets:
    packet.data = packet.data.replace(b'client.example.test', b'<script>x()</script')
split_segments.write_pcap('markup.pcap', link_type, packets)
PYTHON
try read markup.pcap -o markup.db -q
expect_sql markup.db "SELECT count(*) FROM smtp_sessions WHERE helo LIKE '%<script>%'" 1
try report markup.db --html markup.html
expect_status 0
python3 - << 'PYTHON' || complain 'the page is not self-contained, or markup from the wire reaches it'
import html.parser, re
page = open('markup.html', encoding='utf-8').read()
html.parser.HTMLParser().feed(page)
assert '<script>x()' not in page
assert not re.search(r'(?i)<(?:link|img|iframe|script)[^>]+(?:src|href)\s*=\s*["\']?(?:https?:)?//', page)
assert not re.search(r'(?i)@import|url\(\s*["\']?(?:https?:)?//', page)
assert '<svg' in page, 'no drawn chart'
PYTHON
try report markup.db --html -
expect_status 0
cmp -s stdout.text markup.html || complain 'the page on standard output is another'
ends 'the report as a page'

# ---- schema, help ------------------------------------------------------------------------

try schema
expect_status 0
expect_silence
for view in captures flows sessions smtp_sessions smtp_mails smtp_recipients smtp_urls files ssh_sessions websocket_sessions websocket_messages http_requests rdp_sessions \
    rdp_channels rdp_events rdp_transports ftp_sessions ftp_commands ftp_transfers ssh_kexinits ssh_events tls_sessions findings hosts conversations protocols timeline zeek_conn; do
    grep -q "CREATE VIEW $view " stdout.text || complain "no view $view"
    answer both.db "SELECT count(*) FROM $view" > count.text || complain "$view cannot be asked"
done
ends 'every promised view is in the schema and in a database'
try schema
cp stdout.text schema.sql
python3 - << 'PYTHON' || complain 'SQLite does not take it'
import sqlite3
sqlite3.connect(':memory:').executescript(open('schema.sql').read())
PYTHON
ends 'SQLite takes the printed schema'
try schema --dialect clickhouse
expect_status 0
grep -q 'Nullable(Int64)' stdout.text || complain 'no types of ClickHouse'
ends 'the schema for ClickHouse'

try --help
expect_status 0
[[ $out == *Usage:* ]] || complain 'no usage'
try --version
expect_status 0
[[ $out =~ ^wirescribe\ [0-9]+\.[0-9]+ ]] || complain "the version is '$out'"
ends 'help and version go to stdout'

# ---- keys ---------------------------------------------------------------------------------

refused_key() {
    local status=0

    "$wirescribe" read "$tests/tls/rsa-key/capture.pcap" -o keys.db --append -q --rsa-key "$1" > /dev/null 2> keys.text || status=$?
    [ "$status" = 1 ] && grep -q "$2" keys.text && grep -q -e '--rsa-key: give' keys.text || complain "--rsa-key $1: status $status, $(cat keys.text)"
}
openssl rsa -in "$tests/tls/rsa-key/server.key" -aes128 -passout pass:secret -out encrypted.key 2> /dev/null
openssl ecparam -genkey -name prime256v1 -noout -out curve.key 2> /dev/null
refused_key encrypted.key 'is encrypted; decrypt it first'
refused_key curve.key "is not RSA's"
refused_key "$tests/tls/rsa-key/capture.pcap" 'no private key in PEM'
refused_key nonexistent.key 'cannot read the key nonexistent.key'
ends 'a private key that is none is named, with what to do'

# through a pipe, the secrets that stand behind the packets come too late to be known ahead: records wait for them
gzip -dc "$tests/tls/embedded-keys/capture.pcapng.gz" | "$wirescribe" read - -o piped.db -q > /dev/null 2>&1
expect_sql piped.db "SELECT count(*), sum(decrypted), count(DISTINCT certificate_subject) FROM tls_sessions" $'3\t3\t1'
"$wirescribe" read "$tests/tls/embedded-keys/capture.pcapng.gz" -o embedded.db -q > /dev/null 2>&1
"$wirescribe" pcap embedded.db --where 'server_port = 443' -w chosen.pcapng > /dev/null 2>&1
"$wirescribe" read chosen.pcapng -o chosen.db -q > /dev/null 2>&1
expect_sql chosen.db "SELECT count(*), sum(decrypted) >= 1 FROM tls_sessions" $'3\t1'
ends 'secrets inside pcapng files, piped and copied'

# ---- a network device ---------------------------------------------------------------------

if [ "$(id -u)" = 0 ] && unshare -n true 2> /dev/null; then
    status=0
    timeout -k 5 60 unshare -n python3 -B "$tests/live_session.py" "$wirescribe" live.db > live.text 2>&1 || status=$?
    [ "$status" = 0 ] || complain "$(cat live.text)"
    expect_sql live.db "SELECT mail_from, recipients, outcome FROM smtp_mails" $'alice@example.test\tbob@example.test\tdelivered'
    expect_sql live.db "SELECT kind, source, finished, dropped_kernel, dropped_queue FROM captures" $'live\tlo\t1\t0\t0'
    ends 'live on a network device: rows while it runs, a clean end'

    status=0
    mkdir live-keys
    timeout -k 5 90 unshare -n python3 -B "$tests/live_keys.py" "$wirescribe" live-keys > live.text 2>&1 || status=$?
    [ "$status" = 0 ] || complain "$(cat live.text)"
    ends 'live with a TLS key log that grows'
else
    skips 'live on a network device' 'needs root and network namespaces'
fi

finish

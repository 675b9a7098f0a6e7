#!/bin/bash
# `wirescribe pcap`: the packets of flows, written out again byte for byte, from every form of capture; and what it says of
# captures that are gone, changed, or never were files.
set -euo pipefail
# shellcheck source=tests/shell_checks.sh
. "$(dirname "$0")/shell_checks.sh"

records() { python3 -B "$tests/records.py" "$@"; }

# fresh CAPTURE...: reads into out.db, anew
fresh()
{
    rm -f out.db out.pcap
    try read "$@" -o out.db -q
}

# ---- every eighth recorded case (every TEST_SAMPLE-th): all flows give all packets that belong to any, one flow gives its own ----

place=0
for capture in "$tests"/*/*/capture.pcap*; do
    place=$((place + 1))
    [ $((place % ${TEST_SAMPLE:-8})) = 0 ] || continue
    fresh "$capture"
    [ "$("$wirescribe" sql out.db 'SELECT count(*) > 0 FROM flows' --format tsv | tail -n 1)" = 1 ] || continue
    try pcap out.db --where 1 -w out.pcap
    expect_status 0
    records --raw out.pcap | sort > found
    records --raw "$capture" | sort > all
    [ -z "$(comm -23 found all)" ] || complain 'a record is not one of the capture'
    wanted=$("$wirescribe" sql out.db 'SELECT sum(packets) FROM flow_packets' --format tsv | tail -n 1)
    [ "$(wc -l < found)" -ge 1 ] && [ "$(wc -l < found)" -le "$wanted" ] || complain "$(wc -l < found) records of $wanted"
    "$wirescribe" sql out.db 'SELECT transport, client_ip, client_port, state, client_bytes, server_bytes, protocol FROM flows ORDER BY start_us, 2, 3' --format tsv > before
    rm -f again.db
    try read out.pcap -o again.db -q
    "$wirescribe" sql again.db 'SELECT transport, client_ip, client_port, state, client_bytes, server_bytes, protocol FROM flows ORDER BY start_us, 2, 3' --format tsv > after
    cmp -s before after || complain 'what was written is not read as the capture was'
    rm -f one.pcap
    try pcap out.db 1 -w one.pcap
    expect_status 0
    [ "$(records one.pcap | wc -l)" = "$("$wirescribe" sql out.db 'SELECT client_packets + server_packets FROM flows WHERE flow_id = 1' --format tsv | tail -n 1)" ] ||
        complain 'flow 1 has another number of packets'
    ends "the packets of ${capture#"$tests"/}"
done

# ---- forms ----

good=$tests/smtp/plain/capture.pcap
mkdir forms
python3 -B "$tests/capture_forms.py" "$good" forms
for form in forms/*; do
    fresh "$form"
    [ "$status" = 0 ] || continue
    try pcap out.db --where "protocol = 'smtp'" -w out.pcap
    expect_status 0
    [ "$(records out.pcap)" = "$(records "$form")" ] || complain 'times or bytes differ'
    [ "$(records --raw out.pcap)" = "$(records --raw "$form")" ] || complain 'the records differ'
    ends "the form ${form#forms/}"
done

# a comment of a packet, two interfaces of which the second has nanoseconds, two sections
python3 -B - "$tests" "$good" << 'PYTHON'
import struct, sys
sys.path.insert(0, sys.argv[1])
import split_segments
link, packets = split_segments.read_capture(sys.argv[2])
def block(kind, body):
    body += b'\0' * (-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)
section = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
interfaces = block(1, struct.pack('<HHI', link, 0, 0)) + block(1, struct.pack('<HHI', link, 0, 0) + struct.pack('<HHI', 9, 1, 9) + struct.pack('<I', 0))
out = section + interfaces + block(99, b'unknown')
for number, packet in enumerate(packets):
    interface = number % 2
    time = packet.time_ns if interface else packet.time_ns // 1000
    comment = b'packet %d' % number
    body = struct.pack('<IIIII', interface, time >> 32, time & 0xffffffff, len(packet.data), packet.wire_length) + packet.data
    body += b'\0' * (-len(body) % 4) + struct.pack('<HH', 1, len(comment)) + comment + b'\0' * (-len(comment) % 4) + struct.pack('<I', 0)
    out += block(6, body)
    if number == len(packets) // 2:
        out += section + interfaces
open('commented.pcapng', 'wb').write(out)
PYTHON
fresh commented.pcapng
try pcap out.db 1 -w out.pcap
expect_status 0
expect_message '(pcapng)'
[ "$(records --raw out.pcap)" = "$(records --raw commented.pcapng)" ] || complain 'comments, interfaces or sections were lost'
ends 'comments, nanoseconds, interfaces and sections of pcapng'

# ---- several files ----

other=$tests/ssh/openssh/capture.pcap
fresh "$good" "$other"
try pcap out.db --where 1 -w out.pcap
expect_status 0
expect_message 'from 2 captures -> out.pcap (pcap)'
[ "$(records --raw out.pcap | sort)" = "$({ records --raw "$good"; records --raw "$other"; } | sort)" ] || complain 'records differ'
ends 'two classic files of one kind give one'

fresh commented.pcapng "$other"
try pcap out.db --where 1 -w out.pcap
expect_status 0
expect_message '(pcapng)'
[ "$(records out.pcap | sort)" = "$({ records commented.pcapng; records "$other"; } | sort)" ] || complain 'records differ'
ends 'files of two kinds give pcapng'

fresh "$tests/ftp/passive/capture.pcap"
control=$("$wirescribe" sql out.db "SELECT flow_id FROM flows WHERE protocol = 'ftp'" --format tsv | tail -n 1)
try pcap out.db "$control" -w alone.pcap
try pcap out.db "$control" --with-data -w together.pcap
expect_status 0
[ "$(records together.pcap | wc -l)" -gt "$(records alone.pcap | wc -l)" ] || complain 'no data connection came along'
ends 'data connections come along'

try pcap out.db "$control" -w -
expect_status 0
cmp -s stdout.text alone.pcap || complain 'standard output differs'
ends 'standard output'

# ---- captures that are not what they were ----

cp "$good" moved.pcap
fresh moved.pcap
mkdir elsewhere
mv moved.pcap elsewhere/
try pcap out.db 1 -w out.pcap
expect_status 1
expect_message 'moved.pcap: the capture is not there any more'
[ ! -e out.pcap ] || complain 'something was written'
try pcap out.db 1 -w out.pcap --captures elsewhere
expect_status 0
[ "$(records --raw out.pcap)" = "$(records --raw "$good")" ] || complain 'records differ'
ends 'a capture that has moved'

rm -f out.pcap
cp "$other" moved.pcap
try pcap out.db 1 -w out.pcap
expect_status 1
expect_message 'is not the capture that was read'
ends 'another capture of that name'

rm -f out.pcap
cat "$good" "$other" | tail -c +1 > moved.pcap
try pcap out.db 1 -w out.pcap
expect_status 0
expect_message 'has grown since it was read'
ends 'a capture that has grown'

rm -f out.pcap
head -c $(($(stat -c %s "$good") - 10)) "$good" > moved.pcap
try pcap out.db 1 -w out.pcap
expect_status 1
[ ! -e out.pcap ] || complain 'something was written'
ends 'a capture that was cut'

rm -f out.db out.pcap
try read - -o out.db -q < "$good"
try pcap out.db 1 -w out.pcap
expect_status 1
expect_message 'was read from standard input: its packets are in no file'
ends 'standard input holds no packets'

# ---- wrong usage ----

fresh "$good"
try pcap out.db 999 -w out.pcap
expect_status 1
expect_message 'there is no flow 999'
try pcap out.db one -w out.pcap
expect_status 1
expect_message "'one' is no flow"
try pcap out.db --where 'no_such_column = 1' -w out.pcap
expect_status 1
try pcap out.db --where '1); DELETE FROM flow; --' -w out.pcap
expect_status 1
expect_sql out.db 'SELECT count(*) > 0 FROM flows' 1
try pcap out.db --where 0 -w out.pcap
expect_status 1
expect_message 'no flow fits'
try pcap out.db 1
expect_status 2
try pcap out.db -w out.pcap
expect_status 2
echo there > out.pcap
try pcap out.db 1 -w out.pcap
expect_status 1
[ "$(cat out.pcap)" = there ] || complain 'a file was overwritten'
ends 'wrong usage'

finish

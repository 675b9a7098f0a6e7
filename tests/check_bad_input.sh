#!/bin/bash
# What wirescribe does with input that is missing, damaged or not what it should be, with targets that cannot be written,
# and with wrong usage: the exit status (1 failed, 2 usage), a message that names the file, and nothing half-made left behind.
set -euo pipefail
# shellcheck source=tests/shell_checks.sh
. "$(dirname "$0")/shell_checks.sh"

good=$tests/smtp/plain/capture.pcap
size=$(stat -c %s "$good")
packets() { "$wirescribe" sql "$1" 'SELECT packets FROM captures' --format tsv | tail -n 1; }
try read "$good" -o whole.db -q
expect_status 0
expect_silence
ends 'a good capture reads without a word'
all_packets=$(packets whole.db)

# ---- input -------------------------------------------------------------------

mkdir folder
try read missing.pcap -o folder/out.db
expect_status 1
expect_message missing.pcap
expect_only folder
ends 'a file that is missing'

: > empty.pcap
try read empty.pcap -o folder/out.db
expect_status 1
expect_message empty.pcap
expect_only folder
ends 'an empty file'

echo 'To whom it may concern: this is a letter and no capture.' > letter.pcap
try read letter.pcap -o folder/out.db
expect_status 1
expect_message letter.pcap
expect_only folder
ends 'a file that is not a capture'

head -c 20 "$good" > header.pcap
try read header.pcap -o folder/out.db
expect_status 1
expect_message header.pcap
expect_only folder
ends 'a file that ends inside its header'

head -c $((size - 7)) "$good" > short.pcap
try read short.pcap -o short.db
expect_status 1
expect_message short.pcap
expect_sql short.db 'SELECT packets, truncated FROM captures' "$((all_packets - 1))"$'\t1'
expect_sql short.db 'SELECT count(*) FROM smtp_sessions' 1
ends 'a file that ends inside a packet: what came before is kept and marked'

# every place to end in: never a crash, and always something kept once there is a packet
lost=
for at in $(seq 0 $((size > 4000 ? size / 200 + 1 : 13)) $((size - 1))); do
    head -c "$at" "$good" > cut.pcap
    rm -f cut.db
    try read cut.pcap -o cut.db -q
    [ "$status" -le 1 ] || lost="$lost $at"
done
[ -z "$lost" ] || complain "bad exit status for files of these sizes:$lost"
ends 'files that end anywhere'

# the length of the third packet or so becomes absurd
cp "$good" corrupt.pcap
third=$(python3 -c '
import struct, sys
data = open(sys.argv[1], "rb").read()
at = 24
for _ in range(5):
    at += 16 + struct.unpack("<I", data[at + 8:at + 12])[0]
print(at)' "$good")
printf '\377\377\377\377\377\377\377\377' | dd of=corrupt.pcap bs=1 seek=$((third + 8)) conv=notrunc status=none
try read corrupt.pcap -o corrupt.db
expect_status 1
expect_message corrupt.pcap
expect_sql corrupt.db 'SELECT packets, truncated FROM captures' $'5\t1'
ends 'a file that is corrupt from some place on: what came before is kept and marked'

try read missing.pcap "$good" -o both.db
expect_status 1
expect_message missing.pcap
expect_sql both.db 'SELECT count(*) FROM smtp_sessions' 1
ends 'a missing file does not keep the others from being read'

gzip -c "$good" | head -c 900 > short.pcap.gz
try read short.pcap.gz -o short_gzip.db
expect_status 1
expect_message short.pcap.gz
expect_sql short_gzip.db 'SELECT truncated FROM captures' 1
ends 'a gzip file that ends too soon'

printf '\037\213\010\000\000\000\000\000garbage that is no deflate stream' > garbage.pcap.gz
try read garbage.pcap.gz -o folder/out.db
expect_status 1
expect_message garbage.pcap.gz
expect_only folder
ends 'a gzip file that is none'

mkdir nothing
try read nothing -o folder/out.db
expect_status 1
expect_message nothing
expect_only folder
ends 'a directory without captures'

try read /dev/null -o folder/out.db
expect_status 1
expect_only folder
ends 'nothing on standard input, or a device'

# ---- keys ----------------------------------------------------------------------

# bad_key FILE MESSAGE: a key that is none ends the run before it begins
bad_key() {
    try read "$good" -o folder/out.db --rdp-key "$1"
    expect_status 1
    expect_message "$1"
    expect_message "$2"
    expect_only folder
}
printf '[keys]\npub_exp=0x01,0x00,0x01,0x00\npub_mod=0x05,0xzz\n' > list.ini
printf '[keys]\npub_exp=0x01,0x00,0x01,0x00\npub_mod=0x05,0x07\n' > half.ini
printf '[keys]\npub_exp=0x01,0x00,0x01,0x00\npub_mod=0x05,0x07\npri_exp=0x01\n' > unfit.ini
printf -- '-----BEGIN PRIVATE KEY-----\nbm9uZQ==\n-----END PRIVATE KEY-----\n' > none.pem
openssl ecparam -genkey -name prime256v1 -noout -out curve.pem 2>/dev/null
openssl genrsa -aes128 -passout pass:secret -out locked.pem 1024 2>/dev/null
head -c 70000 /dev/zero > long.key
bad_key missing.ini 'No such file'
bad_key list.ini 'line 3: pub_mod'
bad_key half.ini 'no pri_exp'
bad_key unfit.ini 'do not belong together'
bad_key none.pem 'can be read'
bad_key curve.pem "not RSA's"
bad_key locked.pem 'is encrypted'
bad_key long.key 'longer than'
ends 'keys that are none: the message names the file, what is wrong and what to give'

# bad_log FILE MESSAGE: a file that is no key log ends the run before it begins
bad_log() {
    try read "$good" -o folder/out.db --keys "$1"
    expect_status 1
    expect_message "$1"
    expect_message "$2"
    expect_only folder
}
mkdir log.folder
printf '\n# no line of a key log\nCLIENT_RANDOM 00 11\n' > some.log
printf 'CLIENT_RANDOM 00 11\nhello\n' > wrong.log
bad_log missing.log 'No such file'
bad_log log.folder 'Is a directory'
bad_log curve.pem 'is no TLS key log: line 1'
bad_log wrong.log 'is no TLS key log: line 1'
try read "$good" -o folder/out.db --keys some.log
expect_status 0
expect_message 'some.log: 1 of 3 lines'
expect_message 'the first is line 3'
rm folder/out.db
ends 'key logs that are none, and wrong lines among right ones'

# ---- targets -----------------------------------------------------------------

try read "$good" -o nowhere/out.db
expect_status 1
expect_message nowhere/out.db
ends 'a target in a directory that is not there'

try read "$good" -o folder
expect_status 1
expect_message folder
expect_only folder
ends 'a target that is a directory'

cp whole.db before.db
try read "$good" -o whole.db
expect_status 1
expect_message whole.db
expect_message --append
cmp -s whole.db before.db || complain 'the existing database was changed'
ends 'a target that exists, without --append'

cp letter.pcap letter.db
try read "$good" --append -o letter.db
expect_status 1
expect_message letter.db
cmp -s letter.pcap letter.db || complain 'the file was changed'
ends '--append to a file that is no database'

python3 -c 'import sqlite3; d = sqlite3.connect("other.db"); d.execute("CREATE TABLE t (a)"); d.commit()'
cp other.db other_before.db
try read "$good" --append -o other.db
expect_status 1
expect_message other.db
cmp -s other.db other_before.db || complain 'the database was changed'
ends "--append to another program's database"

python3 -c '
import shutil, sqlite3
shutil.copy("whole.db", "newer.db")
d = sqlite3.connect("newer.db")
d.execute("PRAGMA user_version = 999")
d.commit()'
try read "$good" --append -o newer.db
expect_status 1
expect_message newer.db
ends '--append to a database of a newer version'

mkdir small
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=96k tmpfs small 2> /dev/null; then
    try read "$tests"/*/*/capture.pcap -o small/out.db
    expect_status 1
    expect_message small/out.db
    umount small
    ends 'a full disk'
else
    skips 'a full disk' 'needs root and a tmpfs'
fi

if [ -w /dev/full ]; then
    status=0
    "$wirescribe" schema > /dev/full 2> stderr.text || status=$?
    err=$(< stderr.text)
    expect_status 1
    expect_message 'standard output'
    ends 'standard output that takes no more'
else
    skips 'standard output that takes no more' 'needs /dev/full'
fi

# ---- usage -------------------------------------------------------------------

try read "$good" -f 'tcp prot 25' -o folder/out.db
expect_status 1
expect_message 'tcp prot 25'
expect_only folder
ends 'a filter that does not compile'

usage_error()
{
    try "$@"
    expect_status 2
    [ -n "$err" ] || complain 'it said nothing'
    [ -z "$out" ] || complain 'it wrote to stdout'
    expect_only folder
    ends "wrong usage: wirescribe $*"
}
usage_error
usage_error reed "$good"
usage_error read
usage_error read "$good" --no-such-option
usage_error read "$good" -o
usage_error read "$good" -o folder/out.db --threads 0
usage_error read "$good" -o folder/out.db --threads many
usage_error read "$good" -o folder/out.db --tcp-policy newest
usage_error read "$good" -o folder/out.db --memory lots
usage_error read "$good" -o folder/out.db --memory 5X
usage_error read "$good" -o folder/out.db -c -1
usage_error read "$good" -o folder/out.db --format csv
usage_error live -o folder/out.db
usage_error live -i lo
usage_error sessions
usage_error sessions whole.db before.db
usage_error sessions whole.db --format xml
usage_error sql whole.db
usage_error schema --dialect klingon
usage_error report

for command in sessions info report; do
    try $command missing.db
    expect_status 1
    expect_message missing.db
    expect_no_file missing.db
    try $command letter.db
    expect_status 1
    expect_message letter.db
    ends "$command of a database that is missing, or is none"
done

try sql whole.db 'SELECT no_such_column FROM sessions'
expect_status 1
expect_message no_such_column
ends 'SQL that does not compile'

for statement in 'DELETE FROM flow' 'CREATE TABLE t (a)' 'PRAGMA user_version = 7' "ATTACH 'attached.db' AS a; CREATE TABLE a.t (x)" \
    "VACUUM INTO 'copy.db'" 'DROP VIEW sessions'; do
    cp before.db written.db
    try sql written.db "$statement"
    expect_status 1
    cmp -s written.db before.db || complain 'the database was changed'
    expect_no_file attached.db
    expect_no_file copy.db
    ends "sql cannot write: $statement"
done

try live -i no_such_device0 -o folder/out.db
expect_status 1
expect_message no_such_device0
expect_only folder
ends 'a network device that is not there'

finish

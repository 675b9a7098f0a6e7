#!/bin/bash
# The contents of files: --store-files and `wirescribe files`. What is stored is what its name and its row say; nothing is written
# anywhere else; limits; directories that cannot be used; several runs; Ctrl-C.
set -euo pipefail
# shellcheck source=tests/shell_checks.sh
. "$(dirname "$0")/shell_checks.sh"

# vault_is_right DIR DB [N]: as stored_files.py wants it; N rows may have a digest and no path (default: none)
vault_is_right()
{
    local complaint was_checked=no

    while IFS= read -r complaint; do
        if [ "$complaint" = checked ]; then
            was_checked=yes
        else
            complain "$complaint"
        fi
    done < <(python3 -B "$tests/stored_files.py" "$1" "$2" "${3-0}")
    [ $was_checked = yes ] || complain 'the stored contents could not be checked'
}

# ---- every recorded mail and transfer, hostile ones too, into one directory ----

for capture in "$tests"/smtp/*/capture.pcap "$tests"/ftp/*/capture.pcap; do
    rm -f out.db
    try read "$capture" -o out.db -q --store-files all
    expect_status 0
    expect_silence
    vault_is_right all out.db
    ends "the files of ${capture#"$tests"/}"
done
expect_only . all out.db stderr.text stdout.text
ends 'nothing was written anywhere else'

# ---- hostile names ----

python3 -B - "$tests" << 'PYTHON'
import base64
import pathlib
import sys
sys.path.insert(0, sys.argv[1] + '/record')
import hostile
import packets

NAMES = ['../../../../../../tmp/out-of-it', '/etc/passwd', '..', '.', '', '-rf', 'a\x01b', 'C:\\Windows\\x.exe', 'x' * 5000, '.partial-1-0', 'out.db',
         '%2e%2e/x', 'nul\\0byte', 'ab/abcdef', '`id`', '$(id)', '\u202egpj.exe']
case = hostile.Case(25)
talk = case.start('names').server('220 mx\r\n').client('HELO a\r\n').server('250 mx\r\n')
for number, name in enumerate(NAMES):
    talk.client('MAIL FROM:<a@a.test>\r\n').server('250 ok\r\n').client('RCPT TO:<b@b.test>\r\n').server('250 ok\r\n').client('DATA\r\n').server('354 go\r\n')
    encoded = '=?utf-8?b?%s?=' % base64.b64encode(name.encode()).decode() if not name.isascii() or len(name) < 4 else name
    talk.client('MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name="%s"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n.\r\n' %
                (encoded.replace('\\', '\\\\'), base64.b64encode(b'content %d' % number).decode()))
    talk.server('250 taken\r\n')
talk.client('QUIT\r\n').server('221 bye\r\n')
conversation = case.conversations[0]
conversation.finish()
packets.write(pathlib.Path('names.pcap'), conversation.frames)
PYTHON
rm -rf out.db all
try read names.pcap -o out.db -q --store-files names
expect_status 0
vault_is_right names out.db
expect_sql out.db 'SELECT count(*), count(stored_path), count(DISTINCT stored_path) FROM files' $'17\t17\t17'
expect_only . names names.pcap out.db stderr.text stdout.text
ends 'hostile names are no paths'

# ---- once a content: two runs, --append, threads ----

two=("$tests/ftp/passive/capture.pcap" "$tests/smtp/plain/capture.pcap")
rm -f out.db
try read "${two[@]}" -o out.db -q --store-files twice/
first=$(find twice -type f -printf '%p %i %T@\n' | sort)
[ -n "$first" ] || complain 'nothing was stored'
expect_sql out.db "SELECT count(*) FROM files WHERE stored_path NOT LIKE 'twice/__/%'" 0
try read "${two[@]}" -o out.db -q --append --store-files twice --threads 3
expect_status 0
vault_is_right twice out.db
[ "$(find twice -type f -printf '%p %i %T@\n' | sort)" = "$first" ] || complain 'what was there was written again'
expect_sql out.db 'SELECT count(*) = 2 * count(DISTINCT stored_path) FROM files' 1
ends 'two runs store a content once'

for i in 1 2 3 4; do
    "$wirescribe" read "${two[@]}" names.pcap -o "at-once-$i.db" -q --store-files at-once --threads 3 2> "at-once-$i.text" &
done
wait
for i in 1 2 3 4; do
    [ ! -s "at-once-$i.text" ] || complain "run $i said: $(< "at-once-$i.text")"
    vault_is_right at-once "at-once-$i.db"
done
ends 'four runs at once'

# ---- limits ----

one=$tests/ftp/passive/capture.pcap
largest=$("$wirescribe" sql out.db "SELECT max(size) FROM files WHERE source = 'ftp'" --format tsv | tail -n 1)
rm -f out.db
try read "$one" -o out.db --store-files small --store-file-limit $((largest - 1))
expect_status 0
expect_message 'not stored: they are larger than --store-file-limit'
expect_sql out.db "SELECT count(*) > 0 FROM files WHERE size = $largest AND sha256 IS NOT NULL AND stored_path IS NULL" 1
expect_sql out.db "SELECT count(*) FROM files WHERE size < $largest AND complete AND stored_path IS NULL" 0
expect_sql out.db "SELECT max(n) FROM (SELECT count(*) AS n FROM findings WHERE name = 'file_not_stored' GROUP BY flow_id)" 1
vault_is_right small out.db "$("$wirescribe" sql out.db "SELECT count(*) FROM files WHERE size = $largest" --format tsv | tail -n 1)"
rm -f out.db
try read "$one" -o out.db -q --store-files exact --store-file-limit "$largest"
vault_is_right exact out.db
ends 'the limit of a file'

rm -f out.db
try read "$one" -o out.db -q --store-files total --store-total-limit 1
expect_status 0
expect_message 'not stored: --store-total-limit was reached'
[ -z "$(find total -type f -size +0)" ] || complain 'something was stored'
expect_sql out.db "SELECT count(*) > 0 FROM findings WHERE name = 'file_not_stored'" 1
ends 'the limit of all files'

# ---- directories that cannot be used ----

touch a-file
ln -s a-file a-link
ln -s nowhere a-dangling-link
mkdir a-directory
ln -s a-directory a-link-to-a-directory
for directory in a-file a-link a-dangling-link missing/deeper /proc/self/nothing ''; do
    rm -f out.db
    try read "$one" -o out.db -q --store-files "$directory"
    expect_status 1
    expect_message "files cannot be stored in '$directory'"
    expect_no_file out.db
    ends "'$directory' is no place for files"
done
rm -f out.db
try read "$one" -o out.db -q --store-files a-link-to-a-directory
expect_status 0
vault_is_right a-directory out.db
ends 'a link to a directory is one'

if [ "$(id -u)" = 0 ] && mkdir -p small && mkdir disk && mount -t tmpfs -o size=16k tmpfs disk 2> /dev/null; then
    rm -f out.db
    try read "$one" "$tests/ftp/early/capture.pcap" -o out.db -q --store-files disk
    expect_status 0
    expect_message "a file cannot be stored in 'disk': No space left on device"
    expect_sql out.db "SELECT count(*) > 0 FROM findings WHERE name = 'file_not_stored'" 1
    [ -z "$(find disk -name '.partial*')" ] || complain 'temporary files are left'
    mount -o remount,ro disk
    rm -f out.db
    try read "$one" -o out.db -q --store-files disk
    expect_status 1
    expect_message "files cannot be stored in 'disk': Read-only file system"
    umount disk
    ends 'a full disk is a warning, one that is read-only an error'
else
    skips 'a full disk' 'cannot mount'
fi

try read "$one" -o limits.db -q --store-file-limit 5M
expect_status 2
expect_message 'want --store-files'
try read "$one" -o limits.db -q --store-files x --store-total-limit many
expect_status 2
expect_message '--store-total-limit takes a number of bytes'
try sessions out.db --store-files x
expect_status 2
expect_no_file limits.db
expect_no_file x
ends 'wrong usage'

# ---- Ctrl-C in the middle of a transfer ----

capture=$tests/ftp/early/capture.pcap
mkfifo pipe
"$wirescribe" read pipe -o interrupted.db -q --store-files interrupted > stdout.text 2> stderr.text &
reader=$!
exec 7> pipe
head -c $(($(stat -c %s "$capture") - 100000)) "$capture" >&7
sleep 1
kill -INT "$reader"
sleep 0.5
exec 7>&-
status=0
wait "$reader" || status=$?
err=$(< stderr.text)
expect_status 1
expect_message interrupted
vault_is_right interrupted interrupted.db
expect_sql interrupted.db 'SELECT count(stored_path) > 0 FROM files' 1
ends 'Ctrl-C leaves nothing half done'

# ---- wirescribe files ----

rm -f out.db
try read "${two[@]}" -o out.db -q --store-files listed
try files out.db --format csv
expect_status 0
[ "$(head -n 1 stdout.text | tr -d '\r')" = file_id,start_time,protocol,client,server,from_side,name,mime_type,size,complete,sha256,stored_path ] || complain "it said: $out"
expect_sql out.db 'SELECT count(*) FROM files' $(($(wc -l < stdout.text) - 1))
for digest in $("$wirescribe" sql out.db 'SELECT sha256 FROM files WHERE sha256 IS NOT NULL' --format tsv | tail -n +2); do
    grep -q "$digest" stdout.text || complain "$digest is not listed"
done
try files out.db --format csv --protocol ftp
grep -q ,ftp, stdout.text || complain 'no file of FTP'
! grep -q ,smtp, stdout.text || complain 'a file of SMTP'
try files out.db --format ndjson --limit 1
[ "$(wc -l < stdout.text)" = 1 ] || complain "not one line: $out"
try files out.db
expect_status 0
[ "$(wc -l < stdout.text)" -gt 2 ] || complain 'the table is empty'
try files out.db --protocol rdp
expect_status 0
expect_message "no files of the protocol 'rdp'"
try files
expect_status 2
expect_message 'files wants one database'
try files missing.db
expect_status 1
ends 'files lists what moved'

finish

# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records SMTP with programs that make mails: Python's email package and smtplib, s-nail; and LMTP into Dovecot.
# Sourced by smtp.sh.

# smtp_mailer SCRIPT [PASSWORD]
smtp_mailer() {
    local script=$1
    shift
    inside client /usr/bin/python3 "$record_folder/smtp_mailer.py" "$script" "$server_address" 25 "$@" >"$work/client.log" 2>&1
}

smtp_shapes() {
    smtp_server 25
    capture_start
    smtp_mailer shapes
    smtp_finish
    describe "three mails with RSET between: text and HTML with a picture and files named by RFC 2231, a forwarded mail (message/rfc822), a Shift_JIS subject with a uuencoded file and a name in RFC 2047 words" \
        "tests/record/smtp_mailer.py shapes (smtplib, email)" postfix python3
}

smtp_utf8() {
    smtp_server 25
    capture_start
    smtp_mailer utf8
    smtp_finish
    describe "SMTPUTF8: an address, headers and a file name in UTF-8, undecoded" \
        "tests/record/smtp_mailer.py utf8 (smtplib, email)" postfix python3
}

smtp_big() {
    smtp_server 25
    capture_start
    smtp_mailer big
    smtp_finish
    describe "an attachment of 140000 random bytes, 190 kB on the wire" \
        "tests/record/smtp_mailer.py big (smtplib, email)" postfix python3
}

smtp_scram() {
    sasl_accounts 'SCRAM-SHA-256 PLAIN'
    smtp_server 25 "${sasl_settings[@]}"
    capture_start
    smtp_mailer scram "$alice_password"
    smtp_finish
    describe "AUTH SCRAM-SHA-256 (Cyrus SASL): a wrong password, then the right one and a mail" \
        "tests/record/smtp_mailer.py scram (smtplib)" postfix libsasl2-modules
}

smtp_user_agent() {
    smtp_server 25
    printf 'col\xc3\xb3nne one\nline two\n' >"$work/table.csv"
    head -c 3000 /dev/urandom >"$work/noise.bin"
    printf 'caf\xc3\xa9\n' >"$work/menú.txt"
    mkdir -p "$work/snail"
    cat >"$work/body" <<'BODY'
A text with an umlaut: grüße,
and a line that is so long that a mail program has to fold it because it has more characters than a mail's line should have, https://www.example.test/a?b=c.
.
From the beginning.
BODY
    capture_start
    HOME=$work/snail inside client s-nail -n -vv -S v15-compat -S "mta=smtp://$server_address:25" -S hostname=client.example.test \
        -S smtp-auth=none -S from=carol@sender.test -S ttycharset=UTF-8 -S sendcharsets=utf-8 -S mime-encoding=quoted-printable \
        -s 'Anhänge für alle' -a "$work/table.csv" -a "$work/noise.bin" -a "$work/menú.txt" \
        alice@example.test bob@example.test <"$work/body" >"$work/mailer.log" 2>&1
    sed 's/^s-nail: >>> SERVER: /<-  /; s/^s-nail: >>> / -> /' "$work/mailer.log" >"$work/client.log"
    smtp_finish
    describe "a mail program: a text in quoted-printable, a table, random bytes and a file with a UTF-8 name attached" \
        "s-nail -S mta=smtp://10.77.0.1:25 -S mime-encoding=quoted-printable -a table.csv -a noise.bin -a menú.txt alice@example.test bob@example.test" \
        postfix s-nail
}

smtp_starttls_refused() {
    smtp_server 25 'smtpd_tls_security_level = may' "smtpd_tls_cert_file = $work/missing.pem"
    capture_start
    smtp_swaks --server "$server_address" --tls-optional --from carol@sender.test --to alice@example.test \
        --header 'Subject: in the clear after all' --body 'nobody encrypted this'
    smtp_finish
    describe "STARTTLS refused with 454; the session goes on in the clear" \
        "swaks --tls-optional --from carol@sender.test --to alice@example.test" postfix swaks
}

# Dovecot's LMTP server alone: alice and bob have mailboxes, others are refused.
dovecot_server() {
    mkdir -p "$work/mail" "$work/dovecot"
    chown 20001 "$work/mail"
    account dovecot 20011
    account dovenull 20012
    printf 'alice:{PLAIN}x:20001:20001::%s/mail/alice\nbob:{PLAIN}x:20001:20001::%s/mail/bob\n' "$work" "$work" >"$work/users"
    cat >"$work/dovecot.conf" <<CONFIG
protocols = lmtp
base_dir = $work/dovecot
log_path = $work/dovecot.log
log_timestamp = "%s "
auth_debug = no
mail_debug = no
ssl = no
hostname = server.example.test
lmtp_save_to_detail_mailbox = no
mail_location = maildir:~/
first_valid_uid = 1000
auth_username_format = %n
mail_log_prefix = "%s(%u)<%{pid}><%{session}>: "
passdb {
  driver = passwd-file
  args = $work/users
}
userdb {
  driver = passwd-file
  args = $work/users
}
service lmtp {
  inet_listener lmtp {
    address = $server_address
    port = 24
  }
}
service stats {
  chroot =
}
CONFIG
    start dovecot_master server dovecot -F -c "$work/dovecot.conf"
    await_port 24
}

dovecot_is_idle() {
    log_has dovecot.log 'Disconnect from'
}

smtp_lmtp() {
    dovecot_server
    capture_start
    inside client /usr/bin/python3 "$record_folder/smtp_client.py" lmtp "$server_address" 24 >"$work/client.log" 2>&1
    await "the end of the session" 10 dovecot_is_idle
    capture_stop
    truth truth_smtp.py --server dovecot --log "$work/dovecot.log" --mail "$work/mail" --transcript "$work/client.log"
    describe "LMTP into Dovecot: two mails, a recipient refused, one reply for each recipient after the data" \
        "tests/record/smtp_client.py lmtp" dovecot-core dovecot-lmtpd
}

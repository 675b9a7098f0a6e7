# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records SMTP: a private Postfix that knows alice and bob at example.test, delivers into their
# Maildirs and rejects others; swaks, curl and a small script of ours as clients.

smtp_cases=(plain pipelining starttls starttls-opened smtps-opened auth rejected bdat odd-port ipv6 exim exim-chunking exim-auth shapes user-agent utf8 big scram starttls-refused lmtp opensmtpd)

smtp_packages=(postfix swaks curl)

# shellcheck source=mailers.sh
. "$record_folder/mailers.sh"
# shellcheck source=opensmtpd.sh
. "$record_folder/opensmtpd.sh"
# shellcheck source=exim.sh
. "$record_folder/exim.sh"

# smtp_server PORT [SETTING...]: starts Postfix with extra lines for its main.cf.
smtp_server() {
    local port=$1
    shift
    local config=$work/postfix
    mkdir -p "$config" "$work/queue" "$work/data" "$work/mail"
    chown postfix "$work/data"
    chown 20001 "$work/mail"
    make_certificate
    cat >"$config/main.cf" <<CONFIG
compatibility_level = 3.6
queue_directory = $work/queue
data_directory = $work/data
maillog_file = /dev/stdout
myhostname = server.example.test
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = all
inet_protocols = all
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = yes
disable_dns_lookups = yes
smtp_dns_support_level = disabled
virtual_mailbox_domains = example.test
virtual_mailbox_base = $work/mail
virtual_mailbox_maps = texthash:$config/mailboxes
virtual_uid_maps = static:20001
virtual_gid_maps = static:20001
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_sender_restrictions = check_sender_access texthash:$config/senders
header_checks = regexp:$config/headers
smtpd_tls_cert_file = $work/certificate.pem
smtpd_tls_key_file = $work/key.pem
smtpd_tls_loglevel = 1
$(printf '%s\n' "$@")
CONFIG
    printf 'alice@example.test alice/\nbob@example.test bob/\n' >"$config/mailboxes"
    printf 'banned@sender.test REJECT you are not welcome here\n' >"$config/senders"
    printf '/^Subject: .*lottery/ REJECT no lotteries\n' >"$config/headers"
    sed "s/^smtp  *inet .*/$port inet n - n - - smtpd/; s/^\([a-z].*  *unix  *[-ny]  *[-ny]  *\)y/\1n/" \
        /etc/postfix/master.cf.proto >"$config/master.cf"
    start postfix server postfix -c "$config" start-fg
    await_port "$port"
}

# Everything that was queued has been delivered or given up.
smtp_is_idle() {
    local taken removed
    taken=$(grep -c 'postfix/qmgr.*from=<' "$work/postfix.log")
    removed=$(grep -c 'postfix/qmgr.*: removed' "$work/postfix.log")
    log_has postfix.log 'smtpd.*disconnect from' && [ "$taken" -eq "$removed" ]
}

smtp_finish() {
    await "the end of all deliveries" 15 smtp_is_idle
    capture_stop
    truth truth_smtp.py --log "$work/postfix.log" --mail "$work/mail" --transcript "$work/client.log" "$@"
}

smtp_swaks() {
    inside client swaks --helo client.example.test --timeout 10 "$@" >"$work/client.log" 2>&1 || true
}

smtp_script() {
    inside client /usr/bin/python3 "$record_folder/smtp_client.py" "$@" >"$work/client.log" 2>&1
}

smtp_curl() {
    local message=$1
    shift
    inside client curl --verbose --silent --crlf --upload-file "$message" "$@" >"$work/client.log" 2>&1 || true
}

smtp_plain() {
    smtp_server 25
    cat >"$work/message" <<'MESSAGE'
From: Carol Sender <carol@sender.test>
To: alice@example.test, nobody@example.test
Subject: dots at the start of lines
Date: Tue, 05 Mar 2024 10:00:00 +0000
Message-ID: <dots.1@sender.test>

one
.two begins with a dot
..three with two
.
....
and the line before the last held four.
MESSAGE
    capture_start
    smtp_swaks --server "$server_address" --from carol@sender.test \
        --to alice@example.test,nobody@example.test --data @"$work/message"
    smtp_finish
    describe "EHLO, two recipients of whom the server rejects one, a body with lines that begin with dots" \
        "swaks --from carol@sender.test --to alice@example.test,nobody@example.test --data @message" \
        "${smtp_packages[@]:0:2}"
}

smtp_pipelining() {
    smtp_server 25
    capture_start
    smtp_script pipelining "$server_address" 25
    smtp_finish
    describe "three mails in one session, commands sent in groups (RFC 2920), a RSET that drops an envelope" \
        "tests/record/smtp_client.py pipelining" postfix
}

smtp_starttls() {
    smtp_server 25 'smtpd_tls_security_level = may'
    printf 'From: carol@sender.test\nTo: bob@example.test\nSubject: under TLS\n\nhidden from the wire\n' \
        >"$work/message"
    capture_start
    smtp_curl "$work/message" --ssl-reqd --insecure --mail-from carol@sender.test \
        --mail-rcpt bob@example.test "smtp://server.example.test/client.example.test"
    smtp_finish
    describe "STARTTLS: the server agrees with 220 and the rest of the session is TLS" \
        "curl --ssl-reqd --insecure --mail-from carol@sender.test --mail-rcpt bob@example.test --upload-file message smtp://server.example.test/client.example.test" \
        postfix curl
}

# The same, opened with the client's key log.
smtp_starttls_opened() {
    printf -- '--keys keys.log\n' >"$work/options"
    export SSLKEYLOGFILE=$work/keys.log
    smtp_starttls
}

# TLS from the first byte, in version 1.2, opened with the client's key log.
smtp_smtps_opened() {
    printf -- '--keys keys.log\n' >"$work/options"
    sasl_accounts 'PLAIN LOGIN'
    smtp_server 465 "${sasl_settings[@]}" 'smtpd_tls_wrappermode = yes' 'smtpd_tls_auth_only = yes'
    cat >"$work/message" <<'MESSAGE'
From: alice@example.test
To: bob@example.test
Subject: inside TLS from the first byte
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=part

--part
Content-Type: text/plain

hidden from the wire
--part
Content-Type: application/octet-stream; name="numbers.bin"
Content-Disposition: attachment; filename="numbers.bin"
Content-Transfer-Encoding: base64

AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
--part--
MESSAGE
    capture_start
    SSLKEYLOGFILE=$work/keys.log smtp_curl "$work/message" --tls-max 1.2 --insecure --user "alice:$alice_password" --mail-from alice@example.test \
        --mail-rcpt bob@example.test "smtps://server.example.test/client.example.test"
    smtp_finish --implicit-tls
    describe "SMTPS: TLS 1.2 from the first byte on port 465, AUTH, a mail with an attachment; opened with the client's key log" \
        "curl --tls-max 1.2 --insecure --user alice --mail-from alice@example.test --mail-rcpt bob@example.test --upload-file message smtps://server.example.test/client.example.test" \
        postfix curl
}

sasl_settings=('smtpd_sasl_auth_enable = yes' 'smtpd_sasl_local_domain = server.example.test' 'broken_sasl_auth_clients = yes')

# sasl_accounts MECHANISMS: alice may log in to Postfix.
sasl_accounts() {
    printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s\nmech_list: %s\n' \
        "$work/sasldb" "$1" >"$work/smtpd.conf"
    printf '%s' "$alice_password" |
        saslpasswd2 -p -c -f "$work/sasldb" -u server.example.test alice
    chown postfix "$work/sasldb"
    mkdir -p "$work/postfix/sasl"
    mv "$work/smtpd.conf" "$work/postfix/sasl/"
}

smtp_auth() {
    sasl_accounts 'PLAIN LOGIN CRAM-MD5'
    smtp_server 25 "${sasl_settings[@]}"
    capture_start
    smtp_swaks --server "$server_address" --auth LOGIN --auth-user alice \
        --auth-password wrong --from alice@example.test --to bob@example.test --quit-after AUTH
    mv "$work/client.log" "$work/first.log"
    smtp_swaks --server "$server_address" --auth PLAIN --auth-user alice \
        --auth-password "$alice_password" --from alice@example.test --to bob@example.test \
        --header 'Subject: authenticated' --body 'sent by one who is known'
    cat "$work/client.log" >>"$work/first.log"
    mv "$work/first.log" "$work/client.log"
    smtp_finish
    describe "two sessions: AUTH LOGIN with a wrong password (535), then AUTH PLAIN that succeeds and a mail" \
        "swaks --auth LOGIN ... --quit-after AUTH; swaks --auth PLAIN --from alice@example.test --to bob@example.test" \
        "${smtp_packages[@]:0:2}" sasl2-bin
}

smtp_rejected() {
    smtp_server 25 'message_size_limit = 20000'
    capture_start
    smtp_script rejected "$server_address" 25
    smtp_finish
    describe "rejections at each step: the sender (554), the declared size (552), all recipients, the content after DATA (550)" \
        "tests/record/smtp_client.py rejected" postfix
}

smtp_bdat() {
    smtp_server 25
    capture_start
    smtp_script bdat "$server_address" 25
    smtp_finish
    describe "BDAT in chunks (RFC 3030), one of them of size 0 LAST, one mail sent with DATA after it" \
        "tests/record/smtp_client.py bdat" postfix
}

smtp_odd_port() {
    smtp_server 2525
    capture_start
    smtp_swaks --server "$server_address" --port 2525 --protocol SMTP --from carol@sender.test \
        --to alice@example.test --header 'Subject: HELO on port 2525' --body 'an old client'
    smtp_finish
    describe "SMTP on port 2525, begun with HELO" \
        "swaks --port 2525 --protocol SMTP --from carol@sender.test --to alice@example.test" \
        "${smtp_packages[@]:0:2}"
}

smtp_ipv6() {
    smtp_server 25
    printf 'From: carol@sender.test\nTo: alice@example.test\nSubject: over IPv6\n\n%s\n' \
        "$(seq -s ' ' 1 1500 | fold -w 72)" >"$work/message"
    capture_start
    smtp_curl "$work/message" --mail-from '' --mail-rcpt alice@example.test --mail-rcpt bob@example.test \
        "smtp://server6.example.test/client6.example.test"
    smtp_finish
    describe "SMTP over IPv6: a bounce (MAIL FROM:<>) for two recipients, a body of several segments" \
        "curl --mail-from '' --mail-rcpt alice@example.test --mail-rcpt bob@example.test --upload-file message smtp://server6.example.test/client6.example.test" \
        postfix curl
}

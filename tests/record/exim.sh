# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records SMTP with Exim, unpacked beside the installed Postfix: the same users, Maildirs that Exim's own user writes, and
# a main log that names every recipient, refusal and login. Sourced by smtp.sh.

# Exim on port 25.
exim_server() {
    local spool=$work/spool
    account Debian-exim 20010
    mkdir -p "$spool" "$work/mail" "$work/log"
    chown -R 20010:20010 "$spool" "$work/mail" "$work/log"
    cat >"$work/exim.conf" <<CONFIG
primary_hostname = server.example.test
spool_directory = $spool
log_file_path = $work/log/%slog
pid_file_path = $work/exim.pid
log_selector = +all -arguments -queue_run
keep_environment =
local_interfaces = <; 0.0.0.0 ; ::0
daemon_smtp_ports = 25
deliver_drop_privilege
message_logs = false
host_lookup =
rfc1413_query_timeout = 0s
dns_ipv4_lookup = *
split_spool_directory = false
queue_run_max = 1
acl_smtp_rcpt = check_recipient
acl_smtp_data = check_message

begin acl
check_recipient:
  deny  message = sender is not welcome
        senders = banned@sender.test
  accept domains = example.test
        local_parts = alice : bob
  deny  domains = example.test
        message = no such user here
  deny  message = relay not permitted
check_message:
  deny  message = no lotteries
        condition = \${if match{\$h_subject:}{lottery}}
  accept

begin routers
local:
  driver = accept
  domains = example.test
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = $work/mail/all
  maildir_format
  create_directory
  user = Debian-exim

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{alice}}{eq{\$auth3}{$alice_password}}}}
  server_set_id = \$auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = \${if and{{eq{\$auth1}{alice}}{eq{\$auth2}{$alice_password}}}}
  server_set_id = \$auth1
cram_md5:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if eq{\$auth1}{alice}{$alice_password}fail}
  server_set_id = \$auth1
CONFIG
    chmod 644 "$work/exim.conf"
    start exim server "$servers/exim4-daemon-light/usr/sbin/exim4" -C "$work/exim.conf" -bdf
    await_port 25
}

exim_is_idle() {
    local opened ended taken completed
    opened=$(grep -c 'SMTP connection from .*TCP/IP connection count' "$work/log/mainlog")
    ended=$(grep -c 'SMTP connection from .* closed by QUIT' "$work/log/mainlog")
    taken=$(grep -c ' <= ' "$work/log/mainlog")
    completed=$(grep -c ' Completed' "$work/log/mainlog")
    [ "$opened" -gt 0 ] && [ "$opened" -eq "$ended" ] && [ "$taken" -eq "$completed" ]
}

exim_finish() {
    await "the end of all deliveries" 15 exim_is_idle
    capture_stop
    truth truth_smtp.py --server exim --log "$work/log/mainlog" --mail "$work/mail" --transcript "$work/client.log"
}

smtp_exim() {
    exim_server
    cat >"$work/message" <<'MESSAGE'
From: Carol Sender <carol@sender.test>
To: alice@example.test, nobody@example.test
Subject: =?iso-8859-1?Q?gr=FC=DFe?= to =?Shift_JIS?B?k/qWe4zq?=
Date: Tue, 05 Mar 2024 10:00:00 +0000
Message-ID: <exim.1@sender.test>

See http://www.example.test/path?query=1 for more,
.and mind the dot.
MESSAGE
    capture_start
    smtp_swaks --server "$server_address" --from carol@sender.test \
        --to alice@example.test,nobody@example.test --data @"$work/message"
    exim_finish
    describe "Exim: two recipients of whom the server rejects one, a subject in ISO-8859-1 and Shift_JIS" \
        "swaks --from carol@sender.test --to alice@example.test,nobody@example.test --data @message" \
        exim4-daemon-light swaks
}

smtp_exim_chunking() {
    exim_server
    capture_start
    smtp_script chunking "$server_address" 25
    exim_finish
    describe "Exim: four mails in one session, pipelined, with BDAT in chunks, RSET between, a recipient and a mail refused" \
        "tests/record/smtp_client.py chunking" exim4-daemon-light
}

smtp_exim_auth() {
    exim_server
    capture_start
    smtp_swaks_logins PLAIN:wrong LOGIN:wrong CRAM-MD5:wrong "LOGIN:$alice_password" "CRAM-MD5:$alice_password" \
        "PLAIN:$alice_password"
    exim_finish
    describe "Exim: AUTH PLAIN, LOGIN and CRAM-MD5 with a wrong password, then LOGIN, CRAM-MD5 and PLAIN that succeed, each with a mail" \
        "swaks --auth PLAIN|LOGIN|CRAM-MD5 --auth-user alice --from alice@example.test --to bob@example.test" \
        exim4-daemon-light swaks
}

# One session of swaks for each MECHANISM:PASSWORD.
smtp_swaks_logins() {
    local login
    : >"$work/dialogues.log"
    for login in "$@"; do
        smtp_swaks --server "$server_address" --auth "${login%%:*}" --auth-user alice --auth-password "${login#*:}" \
            --from alice@example.test --to bob@example.test --header "Subject: after ${login%%:*}" --body 'sent by one who is known'
        cat "$work/client.log" >>"$work/dialogues.log"
    done
    mv "$work/dialogues.log" "$work/client.log"
}

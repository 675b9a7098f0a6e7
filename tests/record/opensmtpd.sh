# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records SMTP with OpenSMTPD, unpacked beside the installed Postfix. Its folders are fixed: within its mount namespace they are
# private ones. Sourced by smtp.sh.

opensmtpd_server() {
    account opensmtpd 20014 /var/lib/opensmtpd/empty
    account opensmtpq 20015
    mkdir -p "$work/mail/alice" "$work/mail/bob"
    chown -R 20001:20001 "$work/mail/alice"
    chown -R 20002:20002 "$work/mail/bob"
    cat >"$work/smtpd.conf" <<CONFIG
listen on $server_address port 25 hostname server.example.test
action deliver maildir "$work/mail/%{user.username}"
match from any for domain "example.test" rcpt-to regex { "^alice@", "^bob@" } action deliver
CONFIG
    start smtpd server bash -c '
        set -e
        for folder in /var/spool /var/lib; do
            mount -t tmpfs -o mode=755 tmpfs "$folder"
        done
        mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
        chmod 711 /var/spool/smtpd
        mount --bind "$1/usr/libexec" /usr/libexec
        exec "$1/usr/sbin/smtpd" -d -f "$2"' inside "$servers/opensmtpd" "$work/smtpd.conf"
    await_port 25
}

opensmtpd_is_idle() {
    log_has smtpd.log 'smtp disconnected' &&
        [ "$(grep -c ' smtp envelope ' "$work/smtpd.log")" -eq "$(grep -c ' mda delivery .*result=Ok' "$work/smtpd.log")" ]
}

smtp_opensmtpd() {
    opensmtpd_server
    capture_start
    inside client /usr/bin/python3 "$record_folder/smtp_client.py" relay "$server_address" 25 >"$work/client.log" 2>&1
    await "the end of all deliveries" 15 opensmtpd_is_idle
    capture_stop
    truth truth_smtp.py --server opensmtpd --log "$work/smtpd.log" --mail "$work/mail" --transcript "$work/client.log"
    describe "OpenSMTPD: two mails in one session, recipients refused (a user and a domain that it does not know), a RSET between" \
        "tests/record/smtp_client.py relay" opensmtpd
}

# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records FTP: a private ProFTPD (and pyftpdlib on an odd port) with the account alice and an
# anonymous one; curl, lftp and ftplib as clients. ProFTPD's ExtendedLog names each command with
# its reply and its bytes.

ftp_cases=(passive active ipv6 anonymous failed-login auth-tls tls-opened tls-active multiline directories pipelined pipelined-directory odd-port vsftpd vsftpd-opened vsftpd-broken vsftpd-anonymous vsftpd-logins vsftpd-nat pure-ftpd pure-ftpd-ipv6 pure-ftpd-logins mode-z tls-clear-data proftpd-ccc abort implicit implicit-opened host parallel fxp)

# shellcheck source=ftp_servers.sh
. "$record_folder/ftp_servers.sh"

# ftp_server PORT [LINE...]: ProFTPD with extra lines of configuration.
ftp_server() {
    local port=$1
    shift
    ftp_files
    mkdir -p "$work/public"
    printf 'open to all\n' >"$work/public/readme.txt"
    chmod 755 "$work/public"
    make_certificate
    chmod 600 "$work/key.pem"
    cat >"$work/proftpd.conf" <<CONFIG
ServerName "server.example.test"
ServerIdent on "server.example.test FTP"
ServerType standalone
DefaultServer on
DefaultAddress $server_address $server_address6
ModulePath /usr/lib/proftpd
LoadModule mod_tls.c
Port $port
UseIPv6 on
User proftpd
Group nogroup
Umask 022
AuthPAM off
RequireValidShell off
AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on
UseReverseDNS off
TimesGMT on
DefaultRoot ~ !root
AuthOrder mod_auth_unix.c
DelayEngine off
PidFile $work/proftpd.pid
ScoreboardFile $work/scoreboard
WtmpLog off
TransferLog $work/transfers.log
LogFormat record "%P~%a~%V~%p~%m~%J~%s~%b~%f~%S"
ExtendedLog $work/commands.log ALL record
<Anonymous $work/public>
  User ftp
  Group nogroup
  UserAlias anonymous ftp
  RequireValidShell off
</Anonymous>
$(printf '%s\n' "$@")
CONFIG
    start proftpd server proftpd -n -c "$work/proftpd.conf"
    await_port "$port"
}

ftp_files() {
    printf 'the quick brown fox\njumps\n' >"$work/home/alice/notes.txt"
    head -c 5000 /dev/zero | tr '\0' z >"$work/home/alice/data.bin"
    head -c 3210 /dev/zero | tr '\0' u >"$work/upload"
    chown -R 20001:20001 "$work/home/alice"
}

ftp_curl() {
    inside client curl --verbose --silent --show-error --max-time 20 "$@" >>"$work/client.log" 2>&1 || true
}

ftp_script() {
    inside client /usr/bin/python3 "$record_folder/ftp_client.py" "$1" "$server_address" "$2" \
        "$alice_password" "$work" >"$work/client.log" 2>&1
}

ftp_has_ended() {
    local opened closed
    opened=$(grep -c 'FTP session opened' "$work/proftpd.log")
    closed=$(grep -c 'FTP session closed' "$work/proftpd.log")
    [ "$opened" -gt 0 ] && [ "$opened" -eq "$closed" ]
}

ftp_finish() {
    await "the end of the FTP session" 10 ftp_has_ended
    capture_stop
    truth truth_ftp.py --commands "$work/commands.log" --transfers "$work/transfers.log" \
        --root "$work/home/alice" --root "$work/public" \
        --files "$work/home/alice" --files "$work/public" "$@"
}

ftp_passive() {
    ftp_server 21
    capture_start
    cat >"$work/script" <<SCRIPT
set ftp:ssl-allow no
set ftp:prefer-epsv no
set net:timeout 5
set net:max-retries 1
set cmd:fail-exit yes
open -u alice,"$alice_password" server.example.test
ls
put $work/upload -o uploaded.bin
get data.bin -o $work/data.bin
bye
SCRIPT
    HOME=$work inside client lftp -f "$work/script" >"$work/client.log" 2>&1 </dev/null
    ftp_finish
    describe "PASV: a list, an upload of 3210 bytes, a download of 5000 bytes" \
        "lftp: set ftp:ssl-allow no; set ftp:prefer-epsv no; open -u alice server.example.test; ls; put upload -o uploaded.bin; get data.bin" \
        proftpd-core lftp
}

ftp_active() {
    ftp_server 21
    capture_start
    ftp_curl --user "alice:$alice_password" --ftp-port - --disable-eprt -o "$work/data.bin" \
        ftp://server.example.test/data.bin -o "$work/list" ftp://server.example.test/
    ftp_curl --user "alice:$alice_password" --ftp-port - --disable-eprt -T "$work/upload" \
        ftp://server.example.test/uploaded.bin
    ftp_finish
    describe "PORT: a download and a list in one session, an upload in a second; the server opens the data connections" \
        "curl --user alice --ftp-port - --disable-eprt ftp://server.example.test/data.bin ftp://server.example.test/; curl ... -T upload ftp://server.example.test/uploaded.bin" \
        proftpd-core curl
}

ftp_ipv6() {
    ftp_server 21
    capture_start
    ftp_curl --user "alice:$alice_password" -o "$work/data.bin" ftp://server6.example.test/data.bin
    ftp_curl --user "alice:$alice_password" --ftp-port - -T "$work/upload" \
        ftp://server6.example.test/uploaded.bin
    ftp_finish
    describe "IPv6: a download with EPSV, an upload with EPRT" \
        "curl --user alice ftp://server6.example.test/data.bin; curl --user alice --ftp-port - -T upload ftp://server6.example.test/uploaded.bin" \
        proftpd-core curl
}

ftp_anonymous() {
    ftp_server 21
    capture_start
    ftp_curl -o "$work/readme.txt" ftp://server.example.test/readme.txt ftp://server.example.test/missing.txt
    ftp_finish
    describe "an anonymous login whose password is an address, a download, a file that is not there (550)" \
        "curl ftp://server.example.test/readme.txt ftp://server.example.test/missing.txt" proftpd-core curl
}

ftp_failed_login() {
    ftp_server 21
    capture_start
    ftp_curl --user alice:wrong ftp://server.example.test/data.bin
    ftp_finish
    describe "a wrong password: 530" "curl --user alice:wrong ftp://server.example.test/data.bin" \
        proftpd-core curl
}

ftp_auth_tls() {
    ftp_server 21 'TLSEngine on' 'TLSRequired off' "TLSECCertificateFile $work/certificate.pem" \
        "TLSECCertificateKeyFile $work/key.pem" 'TLSOptions NoSessionReuseRequired' \
        "TLSLog $work/tls.log"
    capture_start
    ftp_curl --ssl-reqd --insecure --user "alice:$alice_password" -o "$work/notes.txt" \
        ftp://server.example.test/notes.txt
    ftp_finish
    describe "AUTH TLS: after 234 the control connection is TLS, and so is the data connection (PROT P)" \
        "curl --ssl-reqd --insecure --user alice ftp://server.example.test/notes.txt" \
        proftpd-core proftpd-mod-crypto curl
}

# The same, opened with the client's key log: control and data.
ftp_tls_opened() {
    printf -- '--keys keys.log\n' >"$work/options"
    export SSLKEYLOGFILE=$work/keys.log
    ftp_auth_tls
}

ftp_tls_active() {
    printf -- '--keys keys.log\n' >"$work/options"
    export SSLKEYLOGFILE=$work/keys.log
    ftp_server 21 'TLSEngine on' 'TLSRequired off' "TLSECCertificateFile $work/certificate.pem" "TLSECCertificateKeyFile $work/key.pem" \
        'TLSOptions NoSessionReuseRequired' "TLSLog $work/tls.log"
    capture_start
    ftp_script tls_active 21
    ftp_finish
    describe "TLS on data connections that the server opens (PORT), each of them in TLS 1.3, and one passive transfer in TLS 1.2; opened with the client's key log" \
        "tests/record/ftp_client.py tls_active" proftpd-core proftpd-mod-crypto python3
}

ftp_multiline() {
    printf 'Welcome.\n220 looks like the end but is not\n  indented line\n\nKind regards\n' >"$work/banner"
    ftp_server 21 "DisplayConnect $work/banner"
    capture_start
    ftp_script multiline 21
    ftp_finish
    describe "replies of several lines: a greeting with a line that itself begins with 220, FEAT, HELP, STAT" \
        "tests/record/ftp_client.py multiline" proftpd-core
}

ftp_directories() {
    ftp_server 21
    capture_start
    ftp_script directories 21
    ftp_finish
    describe "MKD, CWD, CDUP, relative paths, APPE, REST, RNFR and RNTO, DELE, a quoted path in a 257 reply" \
        "tests/record/ftp_client.py directories" proftpd-core
}

ftp_pipelined() {
    ftp_server 21
    capture_start
    ftp_script pipelined 21
    ftp_finish
    describe "commands sent in groups: the login in one segment, PASV and RETR in one, PASV and STOR in one" \
        "tests/record/ftp_client.py pipelined" proftpd-core
}

ftp_pipelined_directory() {
    ftp_server 21
    mkdir "$work/home/alice/deep"
    printf '0123456789\n' >"$work/home/alice/deep/inner.txt"
    capture_start
    ftp_script pipelined_directory 21
    ftp_finish
    describe "CWD, PASV, REST and RETR in one segment, a CWD that fails behind them: the path and the offset are decided by replies still to come" \
        "tests/record/ftp_client.py pipelined_directory" proftpd-core
}

ftp_odd_port() {
    ftp_files
    start server server /usr/bin/python3 "$record_folder/ftp_server.py" 2121 alice \
        "$alice_password" "$work/home/alice"
    await_port 2121
    capture_start
    ftp_script odd_port 2121
    await_log server.log 'FTP session closed'
    capture_stop
    truth truth_ftp.py --pyftpdlib "$work/server.log" --root "$work/home/alice"
    describe "pyftpdlib on port 2121: STOR and RETR with PASV, MLSD with PORT" \
        "tests/record/ftp_client.py odd_port" python3-pyftpdlib
}

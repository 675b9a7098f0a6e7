# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records FTP with vsftpd and Pure-FTPd, unpacked beside the installed ProFTPD, and what needs two servers. Sourced by ftp.sh.
# vsftpd logs each command and reply and, as wu-ftpd does, each transfer; Pure-FTPd tells the system's log what happened and
# keeps a second log of transfers in the form of web servers.

# vsftpd_server [SETTING...]
vsftpd_server() {
    ftp_files
    mkdir -p "$work/public/incoming" "$work/empty"
    printf 'open to all\n' >"$work/public/readme.txt"
    chmod 755 "$work/public"
    account ftp 20013 "$work/public"
    chown 20013:20013 "$work/public/incoming"
    cat >"$work/vsftpd.conf" <<CONFIG
listen=YES
background=NO
local_enable=YES
write_enable=YES
anonymous_enable=NO
secure_chroot_dir=$work/empty
chroot_local_user=YES
allow_writeable_chroot=YES
pam_service_name=vsftpd
seccomp_sandbox=NO
isolate_network=NO
xferlog_enable=YES
dual_log_enable=YES
log_ftp_protocol=YES
vsftpd_log_file=$work/vsftpd.log
xferlog_file=$work/transfers.log
ascii_download_enable=YES
ascii_upload_enable=YES
mdtm_write=YES
delay_failed_login=0
delay_successful_login=0
max_login_fails=10
utf8_filesystem=YES
$(printf '%s\n' "$@")
CONFIG
    start vsftpd server "$servers/vsftpd/usr/sbin/vsftpd" "$work/vsftpd.conf"
    await_port 21
}

# Every session has ended when its process has: nobody is connected any more.
nobody_is_connected() {
    [ -z "$(ip netns exec "$network-server" ss -Htn state established "sport = :${1:-21}")" ]
}

vsftpd_finish() {
    await "the end of the FTP session" 10 nobody_is_connected
    sleep 0.3
    capture_stop
    truth truth_ftp.py --vsftpd "$work/vsftpd.log" --transfers "$work/transfers.log" --root "$work/home/alice" \
        --files "$work/home/alice" --files "$work/public"
}

ftp_vsftpd() {
    vsftpd_server
    capture_start
    ftp_script modes 21
    vsftpd_finish
    describe "vsftpd: active and passive, ASCII both ways, a resumed download (REST) and APPE, SIZE, MDTM, names that are not ASCII" \
        "tests/record/ftp_client.py modes" vsftpd python3
}

# TLS 1.2 on control and data connections; each data connection resumes the session of the control connection.
ftp_vsftpd_opened() {
    printf -- '--keys keys.log\n' >"$work/options"
    export SSLKEYLOGFILE=$work/keys.log
    make_certificate
    vsftpd_server ssl_enable=YES force_local_data_ssl=YES require_ssl_reuse=YES ssl_ciphers=HIGH "rsa_cert_file=$work/certificate.pem" \
        "rsa_private_key_file=$work/key.pem"
    capture_start
    ftp_curl --ssl-reqd --tls-max 1.2 --insecure --user "alice:$alice_password" -o "$work/notes.txt" -o "$work/list" \
        ftp://server.example.test/notes.txt ftp://server.example.test/
    ftp_curl --ssl-reqd --tls-max 1.2 --insecure --user "alice:$alice_password" -T "$work/upload" ftp://server.example.test/uploaded.bin
    vsftpd_finish
    describe "vsftpd, AUTH TLS with TLS 1.2: a download and a listing, an upload, each data connection in a resumed session; opened with the client's key log" \
        "curl --ssl-reqd --tls-max 1.2 --user alice ftp://server.example.test/notes.txt ftp://server.example.test/; curl --ssl-reqd --tls-max 1.2 --user alice -T upload ftp://server.example.test/uploaded.bin" \
        vsftpd curl
}

ftp_vsftpd_broken() {
    vsftpd_server
    head -c 4000000 /dev/zero | tr '\0' q >"$work/home/alice/large.bin"
    capture_start
    ftp_script broken 21
    vsftpd_finish
    describe "vsftpd: a download that the client breaks off in the middle, then one that comes whole" \
        "tests/record/ftp_client.py broken" vsftpd python3
}

ftp_vsftpd_anonymous() {
    vsftpd_server 'anonymous_enable=YES' 'anon_upload_enable=YES' 'anon_root='"$work/public"
    capture_start
    inside client ncftpget -t 10 -d stdout server.example.test "$work" /readme.txt >>"$work/client.log" 2>&1
    inside client ncftpput -t 10 -d stdout server.example.test /incoming "$work/upload" >>"$work/client.log" 2>&1
    inside client ncftpput -t 10 -d stdout server.example.test / "$work/upload" >>"$work/client.log" 2>&1 || true
    vsftpd_finish
    describe "vsftpd, anonymous: a download, an upload that is allowed, one that is refused" \
        "ncftpget server.example.test . /readme.txt; ncftpput server.example.test /incoming upload; ncftpput server.example.test / upload" \
        vsftpd ncftp
}

ftp_vsftpd_logins() {
    vsftpd_server
    capture_start
    ftp_script logins 21
    vsftpd_finish
    describe "vsftpd: two wrong passwords in one session, then the right one" "tests/record/ftp_client.py logins" vsftpd python3
}

ftp_vsftpd_nat() {
    vsftpd_server 'pasv_address=10.99.0.1'
    capture_start
    ftp_curl --disable-epsv --ftp-skip-pasv-ip --user "alice:$alice_password" -o "$work/data.bin" ftp://server.example.test/data.bin
    vsftpd_finish
    describe "vsftpd behind an address that is not its own: the reply to PASV names 10.99.0.1, the client connects to 10.77.0.1" \
        "curl --disable-epsv --ftp-skip-pasv-ip --user alice ftp://server.example.test/data.bin" vsftpd curl
}

pure_ftpd_server() {
    ftp_files
    start pureftpd server bash "$record_folder/with_syslog.sh" "$work/syslog.log" "$servers/pure-ftpd/usr/sbin/pure-ftpd" \
        -l unix -E -H -A -d -d -u 1000 -O "clf:$work/clf.log" -g "$work/pure-ftpd.pid"
    await_port 21
}

pure_ftpd_finish() {
    await "the end of the FTP session" 10 nobody_is_connected
    sleep 0.3
    capture_stop
    truth truth_ftp.py --pure-ftpd "$work/syslog.log" --clf "$work/clf.log" --root "$work/home/alice" --files "$work/home/alice"
}

ftp_pure_ftpd() {
    pure_ftpd_server
    capture_start
    ftp_script features 21
    pure_ftpd_finish
    describe "Pure-FTPd: EPSV, MLSD, STOU, RNFR and RNTO, SITE CHMOD, REST" "tests/record/ftp_client.py features" pure-ftpd python3
}

ftp_pure_ftpd_ipv6() {
    pure_ftpd_server
    capture_start
    ftp_curl --user "alice:$alice_password" -o "$work/data.bin" ftp://server6.example.test/data.bin
    ftp_curl --user "alice:$alice_password" -T "$work/upload" ftp://server6.example.test/uploaded.bin
    ftp_curl --user "alice:$alice_password" --continue-at 1000 -o "$work/rest.bin" ftp://server6.example.test/data.bin
    pure_ftpd_finish
    describe "Pure-FTPd over IPv6: a download, an upload, a resumed download" \
        "curl --user alice ftp://server6.example.test/data.bin; curl -T upload ...; curl --continue-at 1000 ..." pure-ftpd curl
}

ftp_pure_ftpd_logins() {
    pure_ftpd_server
    capture_start
    ftp_script logins 21
    pure_ftpd_finish
    describe "Pure-FTPd: two wrong passwords, then the right one" "tests/record/ftp_client.py logins" pure-ftpd python3
}

ftp_mode_z() {
    ftp_server 21 'LoadModule mod_deflate.c' 'DeflateEngine on'
    seq 1 4000 >"$work/home/alice/numbers.txt"
    seq 5000 8000 >"$work/numbers"
    capture_start
    cat >"$work/script" <<SCRIPT
set ftp:ssl-allow no
set ftp:use-mode-z yes
set net:timeout 5
set net:max-retries 1
open -u alice,"$alice_password" server.example.test
get numbers.txt -o $work/numbers.txt
put $work/numbers -o uploaded.txt
bye
SCRIPT
    HOME=$work inside client lftp -f "$work/script" >"$work/client.log" 2>&1 </dev/null
    ftp_finish
    describe "MODE Z: a download and an upload that zlib packs" \
        "lftp: set ftp:use-mode-z yes; open -u alice server.example.test; get numbers.txt; put numbers -o uploaded.txt" \
        proftpd-core lftp
}

ftp_tls_server() {
    local port=$1
    shift
    ftp_server "$port" 'TLSEngine on' 'TLSRequired off' "TLSECCertificateFile $work/certificate.pem" \
        "TLSECCertificateKeyFile $work/key.pem" "TLSLog $work/tls.log" "$@"
}

ftp_tls_clear_data() {
    ftp_tls_server 21 'TLSOptions NoSessionReuseRequired'
    capture_start
    ftp_script prot_clear 21
    ftp_finish
    describe "AUTH TLS and PROT C: the control connection is TLS, the data connections are in the clear" \
        "tests/record/ftp_client.py prot_clear (ftplib.FTP_TLS)" proftpd-core proftpd-mod-crypto python3
}

ftp_proftpd_ccc() {
    ftp_tls_server 21 'TLSOptions NoSessionReuseRequired'
    capture_start
    ftp_script ccc 21
    ftp_finish
    describe "CCC: the login under TLS, then the control connection goes on in the clear" \
        "tests/record/ftp_client.py ccc (ftplib.FTP_TLS)" proftpd-core proftpd-mod-crypto python3
}

ftp_abort() {
    ftp_server 21 'TimeoutLinger 1'
    head -c 4000000 /dev/zero | tr '\0' q >"$work/home/alice/large.bin"
    capture_start
    ftp_script abort 21
    ftp_finish
    describe "ABOR as urgent data in the middle of a download (426, then 226), then a download that comes whole" \
        "tests/record/ftp_client.py abort" proftpd-core python3
}

ftp_implicit() {
    ftp_tls_server 990 'TLSOptions NoSessionReuseRequired UseImplicitSSL'
    capture_start
    ftp_curl --insecure --user "alice:$alice_password" -o "$work/notes.txt" ftps://server.example.test/notes.txt
    ftp_finish
    describe "implicit FTPS on port 990" "curl --insecure --user alice ftps://server.example.test/notes.txt" \
        proftpd-core proftpd-mod-crypto curl
}

ftp_implicit_opened() {
    printf -- '--keys keys.log\n' >"$work/options"
    export SSLKEYLOGFILE=$work/keys.log
    ftp_implicit
}

ftp_host() {
    ftp_server 21 "<VirtualHost $server_address>" '  Port 21' '  ServerName other' '  ServerAlias other.example.test' \
        '  AuthOrder mod_auth_unix.c' '  RequireValidShell off' "  ExtendedLog $work/commands.log ALL record" \
        "  TransferLog $work/transfers.log" '</VirtualHost>'
    capture_start
    ftp_script host 21
    ftp_finish
    describe "HOST (RFC 7151): one that is not there, one that is, CLNT, then a login" "tests/record/ftp_client.py host" proftpd-core python3
}

ftp_parallel() {
    ftp_server 21
    local number
    mkdir -p "$work/home/alice/many"
    for number in 1 2 3 4 5 6; do
        head -c $((number * 1500)) /dev/zero | tr '\0' "$number" >"$work/home/alice/many/file$number.bin"
    done
    head -c 60000 /dev/zero | tr '\0' p >"$work/home/alice/pieces.bin"
    chown -R 20001:20001 "$work/home/alice"
    capture_start
    cat >"$work/script" <<SCRIPT
set ftp:ssl-allow no
set net:timeout 5
set net:max-retries 1
open -u alice,"$alice_password" server.example.test
mirror --parallel=3 many $work/many
bye
SCRIPT
    HOME=$work inside client lftp -f "$work/script" >"$work/client.log" 2>&1 </dev/null
    ftp_finish
    describe "several data connections at once: six files over three sessions" \
        "lftp: mirror --parallel=3 many" proftpd-core lftp
}

ftp_fxp() {
    ftp_server 21 'AllowForeignAddress on'
    sed "s/^Port 21$/Port 2121/; s|^PidFile .*|PidFile $work/second.pid|; s|^ScoreboardFile .*|ScoreboardFile $work/second.board|" \
        "$work/proftpd.conf" >"$work/second.conf"
    start second server proftpd -n -c "$work/second.conf"
    await_port 2121
    capture_start
    cat >"$work/script" <<SCRIPT
set ftp:ssl-allow no
set ftp:use-fxp yes
set net:timeout 5
set net:max-retries 1
open -u alice,"$alice_password" ftp://server.example.test:21
get data.bin -o "ftp://alice:${alice_password/ /%20}@server.example.test:2121/copied.bin"
bye
SCRIPT
    HOME=$work inside client lftp -f "$work/script" >"$work/client.log" 2>&1 </dev/null
    await "the end of the second session" 10 nobody_is_connected 2121
    ftp_finish --between-servers
    describe "FXP: two servers carry a file to one another, the data connection does not pass by the client" \
        "lftp: set ftp:use-fxp yes; get data.bin -o ftp://alice@server.example.test:2121/copied.bin" proftpd-core lftp
}

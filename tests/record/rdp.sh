# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records RDP: a private xrdp up to its login screen (no session manager behind it) and
# xfreerdp under Xvfb. What the server logs and what the client logs at DEBUG is the truth.

rdp_cases=(tls standard fips channels routing-token refused odd-port nla-success nla-failure nla-brute-force)

rdp_size=320x240
rdp_display=:$((500 + $$ % 30000))

# rdp_server PORT SECURITY_LAYER [CRYPT_LEVEL]
rdp_server() {
    local etc="/etc/netns/$network-server/xrdp"
    mkdir -p "$etc"
    cp -r /etc/xrdp/. "$etc/"
    make_certificate
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=server.example.test \
        -keyout "$work/rsa-key.pem" -out "$work/rsa-certificate.pem" 2>/dev/null
    xrdp-keygen xrdp "$etc/rsakeys.ini" >/dev/null 2>&1
    cat >"$etc/xrdp.ini" <<CONFIG
[Globals]
ini_version=1
fork=false
port=$1
security_layer=$2
crypt_level=${3-high}
certificate=$work/rsa-certificate.pem
key_file=$work/rsa-key.pem
ssl_protocols=TLSv1.2, TLSv1.3
allow_channels=true
bitmap_cache=true
bitmap_compression=true
max_bpp=16
use_fastpath=both
ls_width=200
ls_height=150
ls_bg_color=dedede
ls_top_window_bg_color=009cb5
ls_logo_filename=$work/nothing

[Logging]
LogFile=$work/xrdp.log.file
LogLevel=TRACE
EnableSyslog=false

[Channels]
rdpdr=true
rdpsnd=true
drdynvc=true
cliprdr=true

[Xvnc]
name=Xvnc
lib=libvnc.so
username=ask
password=ask
ip=127.0.0.1
port=-1
CONFIG
    start xrdp server xrdp -n -p "$1"
    await_port "$1"
    start xvfb client Xvfb "$rdp_display" -screen 0 640x480x16 -nolisten tcp
    await "an X server" 10 test -e "/tmp/.X11-unix/X${rdp_display#:}"
}

# rdp_client OPTION...: xfreerdp; ended soon after the server began to draw its login screen, or
# when it ends by itself.
rdp_client() {
    local options=("/size:$rdp_size" /bpp:16 /cert:ignore /client-hostname:RECORDER
        /client-build-number:2600 -wallpaper -themes "$@")
    local pid tries=120
    printf '%s\n' "${options[@]}" >"$work/client.options"
    HOME=$work DISPLAY=$rdp_display WLOG_LEVEL=DEBUG \
        become client timeout 15 xfreerdp "${options[@]}" >>"$work/client.log" 2>&1 </dev/null &
    pid=$!
    while [ "$tries" -gt 0 ] && kill -0 "$pid" 2>/dev/null && ! log_has xrdp.log.file 'xrdp_wm_init'; do
        sleep 0.1
        tries=$((tries - 1))
    done
    sleep 0.7
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

rdp_finish() {
    await_log xrdp.log.file 'Closed socket .* port 1?3389\)'
    capture_stop
    truth truth_rdp.py --server-log "$work/xrdp.log.file" --client-log "$work/client.log" \
        --options "$work/client.options"
}

# rdp_describe PURPOSE: the command is what rdp_client ran.
rdp_describe() {
    describe "$1" "xfreerdp $(sed "s|$work/||" "$work/client.options" | paste -s -d ' ')" xrdp freerdp2-x11
}

rdp_tls() {
    rdp_server 3389 negotiate
    capture_start
    rdp_client /v:server.example.test /sec:tls /u:alice
    rdp_finish
    rdp_describe "a cookie with the user's name, the server selects TLS"
}

rdp_standard() {
    rdp_server 3389 rdp high
    capture_start
    rdp_client /v:server.example.test /sec:rdp /u:alice
    rdp_finish
    rdp_describe "standard RDP security, 128-bit, the server's proprietary certificate; the client's name in the clear. The server drops the first encrypted packet (these builds disagree on its checksum) and ends the session"
}

rdp_fips() {
    rdp_server 3389 rdp fips
    capture_start
    rdp_client /v:server6.example.test /sec:rdp /encryption-methods:FIPS /u:dave
    rdp_finish
    rdp_describe "standard RDP security at level FIPS over IPv6"
}

rdp_channels() {
    rdp_server 3389 rdp low
    mkdir -p "$work/shared"
    capture_start
    rdp_client /v:server.example.test /sec:rdp /u:bob +clipboard "/drive:shared,$work/shared" /sound:sys:fake /echo /kbd:0x00000407
    rdp_finish
    rdp_describe "many virtual channels (clipboard, drive, sound, dynamic), encryption level low, a German keyboard; ended as in rdp/standard"
}

rdp_routing_token() {
    rdp_server 3389 negotiate
    capture_start
    rdp_client /v:server.example.test /sec:tls /u:alice '/load-balance-info:Cookie: msts=16993034.15629.0000'
    rdp_finish
    rdp_describe "a routing token of a load balancer in place of the cookie"
}

rdp_refused() {
    rdp_server 3389 tls
    capture_start
    rdp_client /v:server.example.test /sec:nla /u:alice
    inside client /usr/bin/python3 "$record_folder/rdp_probe.py" server.example.test 3389 probe \
        >>"$work/client.log" 2>&1
    rdp_finish
    rdp_describe "the client insists on NLA and leaves when the server selects TLS; then tests/record/rdp_probe.py asks for standard security and gets RDP_NEG_FAILURE"
}

rdp_odd_port() {
    rdp_server 13389 negotiate
    capture_start
    rdp_client /v:server.example.test:13389 /u:carol
    rdp_finish
    rdp_describe "port 13389; the client offers TLS and NLA"
}

# shellcheck source=rdp_nla.sh
. "$record_folder/rdp_nla.sh"

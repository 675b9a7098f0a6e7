# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records RDP: a private xrdp with its session manager and desktop (rdp_desktop.sh), FreeRDP's shadow
# server (rdp_shadow.sh); xfreerdp and rdesktop under Xvfb. What the servers and the clients log, what
# the X servers of both ends saw, and what arrived in files and clipboards is the truth.

rdp_cases=(tls standard fips channels routing-token refused odd-port plain plain-rdesktop low key-40 key-56 key-128 clipboard drive sound auto-login login-failed login-retried slow-path uncompressed resized reattached reconnected server-ended tls-login tls-login-failed tls-rdesktop shadow-rdp shadow-rfx shadow-tls shadow-nla nla-success nla-failure nla-brute-force nla-refused tls12 nla-opened tls-opened)

rdp_size=320x240
rdp_display=:$((500 + $$ % 20000))  # the client's screen

# shellcheck source=rdp_desktop.sh
. "$record_folder/rdp_desktop.sh"
# shellcheck source=rdp_shadow.sh
. "$record_folder/rdp_shadow.sh"
# shellcheck source=rdp_sessions.sh
. "$record_folder/rdp_sessions.sh"
# shellcheck source=rdp_nla.sh
. "$record_folder/rdp_nla.sh"

# rdp_glance OPTION...: xfreerdp for a glance at the login screen; ended soon after the server began to
# draw it, or when it ends by itself.
rdp_glance() {
    local tries=120
    rdp_freerdp "$@"
    while [ "$tries" -gt 0 ] && kill -0 "$rdp_client_pid" 2>/dev/null && ! log_has xrdp.log.file 'xrdp_wm_init'; do
        sleep 0.1
        tries=$((tries - 1))
    done
    sleep 0.7
    rdp_leave
}

# rdp_finish: what was recorded and what the logs say of it.
rdp_finish() {
    [ ! -e "$work/xrdp.log.file" ] || await_log xrdp.log.file 'Closed socket .* port 1?3389\)'
    capture_stop
    truth truth_rdp.py --folder "$work"
}

# rdp_describe PURPOSE: the commands are what rdp_run ran.
rdp_describe() {
    local packages=()
    ! grep -qx 'program xfreerdp' "$work/client.options" || packages+=(freerdp2-x11)
    [ ! -e "$work/shadow.log" ] || packages+=(freerdp2-shadow-x11)
    [ ! -e "$work/xrdp.log.file" ] || packages+=(xrdp tigervnc-standalone-server)
    ! grep -qx 'program rdesktop' "$work/client.options" || packages+=(rdesktop)
    describe "$1" "$(sed "s|$work/||; s|^program ||" "$work/client.options" | paste -s -d ' ')" "${packages[@]}"
}

rdp_tls() {
    rdp_desktop 3389 negotiate high
    capture_start
    rdp_glance /sec:tls /u:alice
    rdp_finish
    rdp_describe "a cookie with the user's name, the server selects TLS"
}

rdp_tls12() {
    rdp_tls_versions=TLSv1.2
    rdp_desktop 3389 negotiate high
    capture_start
    rdp_glance /sec:tls /u:alice /tls-ciphers:ECDHE-RSA-AES128-SHA256
    rdp_finish
    rdp_describe "TLS 1.2 with a block cipher: the server's certificate in the clear, sizes within 16 bytes"
}

rdp_standard() {
    rdp_desktop 3389 rdp high
    capture_start
    rdp_freerdp /sec:rdp /u:alice
    rdp_session
    rdp_finish
    rdp_describe "standard RDP security, 128-bit, the server's proprietary certificate; the client's name in the clear, what follows encrypted"
}

rdp_fips() {
    rdp_desktop 3389 rdp fips
    capture_start
    rdp_server=server6.example.test rdp_freerdp /sec:rdp /encryption-methods:FIPS /u:alice
    rdp_session
    rdp_finish
    rdp_describe "standard RDP security at level FIPS over IPv6"
}

rdp_channels() {
    rdp_desktop 3389 rdp low
    capture_start
    rdp_freerdp /sec:rdp /u:alice +clipboard /drive:hotplug,* /sound:sys:fake /echo /kbd:0x00000407
    rdp_session
    rdp_finish
    rdp_describe "many virtual channels (clipboard, drive, sound, dynamic), encryption level low: the server's side is readable; a German keyboard"
}

rdp_routing_token() {
    rdp_desktop 3389 negotiate high
    capture_start
    rdp_glance /sec:tls /u:alice '/load-balance-info:Cookie: msts=16993034.15629.0000'
    rdp_finish
    rdp_describe "a routing token of a load balancer in place of the cookie"
}

rdp_refused() {
    rdp_desktop 3389 tls high
    capture_start
    rdp_glance /sec:nla /u:alice
    inside client /usr/bin/python3 "$record_folder/rdp_probe.py" server.example.test 3389 probe \
        >>"$work/client.log" 2>&1
    rdp_finish
    rdp_describe "the client insists on NLA and leaves when the server selects TLS; then tests/record/rdp_probe.py asks for standard security and gets RDP_NEG_FAILURE"
}

rdp_odd_port() {
    rdp_desktop 13389 negotiate high
    capture_start
    rdp_server=server.example.test:13389 rdp_glance /u:carol
    rdp_finish
    rdp_describe "port 13389; the client offers TLS and NLA"
}

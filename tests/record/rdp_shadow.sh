# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# FreeRDP's shadow server, which shares a desktop that already runs: standard security, TLS and NLA
# (CredSSP with NTLM against a file of hashes). Sourced by rdp.sh, after rdp_desktop.sh.

rdp_shadow_display=:$((30000 + $$ % 20000))

# rdp_shadow OPTION...: the server on port 3389 with an xterm on its screen that keeps what is typed.
rdp_shadow() {
    rdp_openssl
    rdp_preload
    rdp_alice=$work/home/alice
    mkdir -p "$work/shadow"
    printf '%s\n' "alice:EXAMPLE::$(OPENSSL_CONF=$work/openssl.cnf winpr-hash -u alice -p "$alice_password"):::" >"$work/sam"
    start shadow-screen server Xvfb "$rdp_shadow_display" -screen 0 "${rdp_size}x24" -nolisten tcp -noreset
    await "the shared X server" 10 rdp_screen_answers "$rdp_shadow_display"
    start shadow-input server env "DISPLAY=$rdp_shadow_display" stdbuf -oL xinput test-xi2 --root
    start shadow-xterm server env "DISPLAY=$rdp_shadow_display" "HOME=$rdp_alice" xterm -geometry 60x20+0+0 -e \
        sh -c 'stty -echo; cat >>"$HOME/typed.txt"'
    start shadow server env "OPENSSL_CONF=$work/openssl.cnf" "LD_PRELOAD=$work/keylog.so" "SSLKEYLOGFILE=$work/keys.log" \
        "HOME=$work/shadow" "DISPLAY=$rdp_shadow_display" WLOG_LEVEL=DEBUG stdbuf -oL freerdp-shadow-cli /port:3389 "$@"
    await_port 3389
    rdp_screen 640x480x24
}

# rdp_shadow_drawn: the client shows what the server shares.
rdp_shadow_drawn() {
    await "the shared desktop" 10 log_has client.log 'CONNECTION_STATE_FINALIZATION --> CONNECTION_STATE_ACTIVE'
    sleep 0.8
    rdp_focus
}

# rdp_shadow_session: a little work on the shared desktop; the client leaves.
rdp_shadow_session() {
    rdp_shadow_drawn
    rdp_work 'Hello shadow 7'
    rdp_leave
    did ended client
    rdp_finish
}

rdp_shadow_rdp() {
    rdp_shadow /sec:rdp -auth
    rdp_keep_key "$work/shadow/.config/freerdp/shadow/shadow.key"
    capture_start
    rdp_salted=TRUE rdp_freerdp /sec:rdp /u:alice
    rdp_shadow_session
    rdp_describe "FreeRDP's shadow server with standard security: RC4 with salted checksums, bitmap updates; the server's key is given to the reader"
}

rdp_key_56() {
    rdp_shadow /sec:rdp -auth
    rdp_keep_key "$work/shadow/.config/freerdp/shadow/shadow.key"
    capture_start
    rdp_salted=TRUE rdp_freerdp /sec:rdp /u:alice /encryption-methods:56
    rdp_shadow_session
    rdp_describe "RC4 with 56 bits, which xrdp does not know; the server's key is given to the reader"
}

rdp_shadow_rfx() {
    rdp_shadow /sec:rdp -auth
    rdp_keep_key "$work/shadow/.config/freerdp/shadow/shadow.key"
    capture_start
    rdp_salted=TRUE rdp_freerdp /sec:rdp /u:alice /rfx /bpp:32
    rdp_shadow_session
    rdp_describe "RemoteFX in surface commands; RC4, the server's key is given to the reader"
}

rdp_shadow_tls() {
    rdp_shadow /sec:tls -auth
    capture_start
    rdp_freerdp /sec:tls /u:alice
    rdp_shadow_session
    rdp_describe "FreeRDP's shadow server under TLS"
}

rdp_shadow_nla() {
    rdp_shadow /sec:nla "/sam-file:$work/sam"
    capture_start
    rdp_freerdp /sec:nla /u:alice /d:EXAMPLE "/p:$alice_password" "$@"
    rdp_shadow_session
    rdp_describe "NLA: CredSSP with NTLM, the right password"
}

# The same in TLS 1.2, opened with the keys that both ends wrote down.
rdp_nla_opened() {
    printf -- '--keys keys.log\n' >"$work/options"
    rdp_shadow_nla /enforce-tlsv1_2
}

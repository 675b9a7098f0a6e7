# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Network level authentication without keys: FreeRDP's shadow server with NTLM against a file of hashes, and xfreerdp.
# Sourced by rdp.sh. Truth: what the server logs of each login.

# rdp_nla_server OPTION...: knows alice.
rdp_nla_server() {
    mkdir -p "$work/shadow"
    winpr-hash -u alice -p "$alice_password" -f sam 2>/dev/null | tail -1 >"$work/sam"
    start shadow-screen server Xvfb "$rdp_display" -screen 0 320x240x24 -nolisten tcp -noreset
    await "the shared X server" 10 rdp_screen_answers "$rdp_display"
    start shadow server env "HOME=$work/shadow" "DISPLAY=$rdp_display" WLOG_LEVEL=DEBUG stdbuf -oL freerdp-shadow-cli \
        /port:3389 /sec:nla "/sam-file:$work/sam" "$@"
    await_port 3389
    rdp_nla_screen=:$((20000 + $$ % 20000))
    start xvfb client Xvfb "$rdp_nla_screen" -screen 0 640x480x24 -nolisten tcp -noreset
    await "the client's X server" 10 rdp_screen_answers "$rdp_nla_screen"
    : >"$work/client.options"
}

# rdp_nla_client SECONDS USER PASSWORD OPTION...
rdp_nla_client() {
    local seconds=$1 user=$2 password=$3
    shift 3
    local options=(/size:320x240 /cert:ignore /client-hostname:RECORDER /v:server.example.test /sec:nla "/u:$user" "$@")
    printf '%s\n' "${options[*]}" >>"$work/client.options"
    HOME=$work DISPLAY=$rdp_nla_screen WLOG_LEVEL=DEBUG \
        inside client timeout "$seconds" xfreerdp "${options[@]}" "/p:$password" >>"$work/client.log" 2>&1 </dev/null || true
}

# rdp_nla_finish PURPOSE
rdp_nla_finish() {
    capture_stop
    truth truth_rdp_nla.py --server-log "$work/shadow.log" --options "$work/client.options" --capture "$work/capture.pcap"
    describe "$1" "xfreerdp $(sort -u "$work/client.options" | paste -s -d ';')" freerdp2-shadow-x11 freerdp2-x11
}

rdp_nla_success() {
    rdp_nla_server
    capture_start
    rdp_nla_client 4 alice "$alice_password"
    rdp_nla_finish "NLA with the right password: tokens, credentials, MCS connect up to the active desktop; nobody types"
}

rdp_nla_failure() {
    rdp_nla_server
    capture_start
    rdp_nla_client 4 alice wrong
    rdp_nla_finish "NLA with a wrong password: the server ends TLS after authenticate; the client tries twice"
}

rdp_nla_brute_force() {
    local password
    rdp_nla_server
    capture_start
    for password in 123456 password 12345678 qwerty 111111 abc123 dragon letmein monkey master; do
        rdp_nla_client 4 alice "$password" +auth-only
    done
    rdp_nla_client 4 alice "$alice_password" +auth-only
    rdp_nla_finish "a list of passwords, of which the last one is right"
}

# A refusal with an error code: both ends are scripted, TLS between them is Python's.
rdp_nla_refused() {
    printf -- '--keys keys.log\n' >"$work/options"
    make_certificate
    start refusal server /usr/bin/python3 "$record_folder/rdp_refusal.py" server "$work/certificate.pem" "$work/key.pem" 3389
    await_port 3389
    capture_start
    inside client /usr/bin/python3 "$record_folder/rdp_refusal.py" client server.example.test 3389 "$work/keys.log"
    await_log refusal.log refused
    capture_stop
    printf '{"case": "rdp/%s", "protocol": "rdp", "login_only": true, "sessions": [{"cookie": "mallory", "auth_result": "failure"}]}\n' \
        "$case_name" >"$work/truth.json"
    describe "an NLA login that the server refuses with STATUS_LOGON_FAILURE, read with the client's key log; both ends are scripts" \
        "tests/record/rdp_refusal.py client server.example.test 3389 keys.log" python3
}

# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Whole RDP sessions: logged in, typed into, clipboard, drive, sound, resized, ended in each way, with what
# can be read (no encryption, or RC4 with the server's key kept beside the capture) and what cannot.
# Sourced by rdp.sh.

# ------------------------------------------------------------------ what a session does

# rdp_log_in [PASSWORD]: at the login screen.
rdp_log_in() {
    rdp_login_screen
    rdp_type "${1-$alice_password}"
    rdp_press Return
}

# rdp_work [TEXT]: types a line, moves, clicks, turns the wheel.
rdp_work() {
    rdp_type "${1-Hello desktop 42}"
    rdp_press Return
    await "'${1-Hello desktop 42}' on the desktop" 10 grep -qF "${1-Hello desktop 42}" "$rdp_alice/typed.txt"
    did clicked 'left right'
    did wheel 'up up down'
    rdp_x mousemove 60 60 click 1 mousemove 90 80 click 3 click 4 click 4 click 5
    sleep 0.4
}

rdp_log_off() {
    rdp_do logoff
    did ended logoff
    await "the client's end" 10 rdp_client_is_gone || true
    rdp_leave
}

rdp_client_is_gone() {
    ! kill -0 "$rdp_client_pid" 2>/dev/null
}

# rdp_session: logged in at the login screen, a little work, logged off.
rdp_session() {
    rdp_log_in
    rdp_await_desktop
    rdp_work
    rdp_log_off
}

# rdp_client_copies TEXT: into the clipboard of the client's screen; the desktop pastes it.
rdp_client_copies() {
    printf '%s' "$1" >"$work/copied"
    DISPLAY=$rdp_display inside client sh -c "xclip -selection clipboard -i '$work/copied' >/dev/null 2>&1"
    sleep 0.6
    rdp_do 'timeout 3 xclip -selection clipboard -o >pasted'
    [ "$(tr -d '\r' <"$rdp_alice/pasted")" = "$1" ] || die "the desktop pasted something else"
    did client-copied "$1"
}

# rdp_desktop_copies TEXT: the other way.
rdp_desktop_copies() {
    rdp_do "printf '%s' '$1' | xclip -selection clipboard -i >/dev/null 2>&1"
    sleep 0.6
    DISPLAY=$rdp_display inside client timeout 3 xclip -selection clipboard -o >"$work/pasted"
    [ "$(tr -d '\r' <"$work/pasted")" = "$1" ] || die "the client pasted something else"
    did desktop-copied "$1"
}

# rdp_keep_key FILE: the server's RSA key goes beside the capture, so that the session can be opened.
rdp_keep_key() {
    cp "$1" "$work/server.key"
    printf -- '--rdp-key server.key\n' >"$work/options"
    chmod 644 "$work/server.key"
}

# ------------------------------------------------------------------ no encryption: all of it is readable

rdp_plain() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_freerdp /sec:rdp /u:alice
    rdp_session
    rdp_finish
    rdp_describe "no encryption: login screen, keys, mouse, wheel; fast-path input, bulk compression"
}

rdp_plain_rdesktop() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_rdesktop -e -r clipboard:off -k fr -u alice
    rdp_session
    rdp_finish
    rdp_describe "rdesktop without encryption: slow-path input, a French keyboard"
}

rdp_clipboard() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_freerdp /sec:rdp /u:alice +clipboard
    rdp_log_in
    rdp_await_desktop
    rdp_client_copies 'from the client: Grüße ☂'
    rdp_desktop_copies 'from the desktop: 12 < 13 & so on'
    rdp_client_copies $'second one\nof two lines'
    rdp_log_off
    rdp_finish
    rdp_describe "texts in the clipboard, both ways"
}

rdp_sound() {
    rdp_desktop 3389 rdp none
    cp "$record_folder/rdp_sound.py" "$work/"
    capture_start
    rdp_freerdp /sec:rdp /u:alice /sound:sys:fake
    rdp_log_in
    rdp_await_desktop
    rdp_do "d=\${DISPLAY#:}; python3 $work/rdp_sound.py /run/xrdp/sockdir/xrdp_chansrv_audio_out_socket_\${d%.*} 300 >sound"
    did played "$(cat "$rdp_alice/sound")"
    rdp_log_off
    rdp_finish
    rdp_describe "a tone is played by the desktop"
}

rdp_auto_login() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_freerdp /sec:rdp /u:alice "/p:$alice_password" /d:EXAMPLE /shell-dir:/tmp
    rdp_await_desktop
    rdp_work 'auto login'
    rdp_leave
    did ended client
    rdp_finish
    rdp_describe "user, domain and password in the client's info packet; the client leaves"
}

rdp_login_failed() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_freerdp /sec:rdp /u:alice
    rdp_log_in wrong
    await_log xrdp.log.file 'login failed for user'
    sleep 0.5
    rdp_leave
    did ended client
    rdp_finish
    rdp_describe "a wrong password at the login screen; the client leaves"
}

rdp_login_retried() {
    rdp_desktop 3389 rdp low
    capture_start
    rdp_freerdp /sec:rdp /u:alice
    rdp_log_in 'wrong one'
    await_log xrdp.log.file 'login failed for user'
    sleep 0.5
    rdp_x mousemove 285 224 click 1
    did clicked left
    sleep 0.5
    rdp_type "$alice_password"
    rdp_press Return
    rdp_await_desktop
    rdp_work
    rdp_log_off
    rdp_finish
    rdp_describe "a wrong password at the login screen, then the right one; level low, the client's side is encrypted"
}

rdp_slow_path() {
    rdp_desktop 3389 rdp none use_fastpath=none
    capture_start
    rdp_freerdp /sec:rdp /u:alice -fast-path
    rdp_session
    rdp_finish
    rdp_describe "neither side uses the fast path"
}

rdp_uncompressed() {
    rdp_desktop 3389 rdp none bulk_compression=false
    capture_start
    rdp_freerdp /sec:rdp /u:alice -compression
    rdp_session
    rdp_finish
    rdp_describe "without bulk compression"
}

rdp_resized() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_freerdp /sec:rdp /u:alice
    rdp_log_in
    rdp_await_desktop
    rdp_do 'xrandr -s 640x480'
    did resized 640x480
    sleep 1
    rdp_focus
    rdp_work
    rdp_log_off
    rdp_finish
    rdp_describe "the desktop is resized: the server deactivates the session and activates it again"
}

rdp_reattached() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_freerdp /sec:rdp /u:alice "/p:$alice_password"
    rdp_await_desktop
    rdp_work
    rdp_leave
    sleep 1
    rdp_size=400x300 rdp_freerdp /sec:rdp /u:alice "/p:$alice_password"
    await "the second session" 15 rdp_logged_in_times 2
    sleep 1
    rdp_focus
    rdp_work 'again here'
    rdp_log_off
    rdp_finish
    rdp_describe "the client leaves, comes back with a larger screen and finds its session"
}

# rdp_logged_in_times COUNT: xrdp let somebody in so many times.
rdp_logged_in_times() {
    [ "$(grep -c 'INFO.*connected ok$' "$work/xrdp.log.file")" -ge "$1" ]
}

rdp_reconnected() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_freerdp /sec:rdp /u:alice "/p:$alice_password" +auto-reconnect /auto-reconnect-max-retries:3
    rdp_await_desktop
    rdp_work
    ip netns exec "$network-server" ss -K 'sport = :3389' >/dev/null 2>&1
    await "the second session" 15 rdp_logged_in_times 2
    sleep 1
    rdp_focus
    rdp_work 'after the break'
    rdp_log_off
    rdp_finish
    rdp_describe "the connection breaks; xfreerdp connects again by itself"
}

rdp_server_ended() {
    rdp_desktop 3389 rdp none
    capture_start
    rdp_freerdp /sec:rdp /u:alice
    rdp_log_in
    rdp_await_desktop
    rdp_work
    ip netns pids "$network-server" | while read -r pid; do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != xrdp ] || kill -TERM "$pid"
    done
    did ended server
    await "the client's end" 10 rdp_client_is_gone
    rdp_finish
    rdp_describe "the server ends in the midst of a session"
}

# ------------------------------------------------------------------ RC4

rdp_low() {
    rdp_desktop 3389 rdp low
    capture_start
    rdp_rdesktop -r clipboard:off -u alice
    rdp_session
    rdp_finish
    rdp_describe "rdesktop at level low: what the client sends is encrypted, what the server sends is not"
}

# rdp_with_key METHOD LEVEL: xfreerdp with that encryption method only; the key is kept.
rdp_with_key() {
    rdp_desktop 3389 rdp "$2"
    rdp_keep_key "$work/rsakeys.ini"
    capture_start
    rdp_freerdp /sec:rdp /u:alice "/encryption-methods:$1"
    rdp_session
    rdp_finish
    rdp_describe "RC4 with $1 bits at level $2; the server's key is given to the reader"
}

rdp_key_40() {
    rdp_with_key 40 low
}

rdp_key_128() {
    rdp_with_key 128 high
}

rdp_drive() {
    # xrdp shows the drive through FUSE, as alice. udev lets all users at the device; not every machine has udev.
    chmod a+rw /dev/fuse
    mkdir -p "$work/shared"
    seq 1 400 >"$work/shared/from-client.txt"
    echo gone >"$work/shared/gone.txt"
    seq 500 900 >"$work/home/alice/made.txt"
    chmod -R a+rwX "$work/shared"
    rdp_desktop 3389 rdp high
    rdp_keep_key "$work/rsakeys.ini"
    capture_start
    rdp_rdesktop -r clipboard:off -r "disk:shared=$work/shared" -u alice
    rdp_log_in
    rdp_await_desktop
    rdp_do 'cp thinclient_drives/shared/from-client.txt copied.txt'
    rdp_do 'cp made.txt thinclient_drives/shared/to-client.txt'
    rdp_do 'mkdir thinclient_drives/shared/folder'
    rdp_do 'mv thinclient_drives/shared/to-client.txt thinclient_drives/shared/renamed.txt'
    rdp_do 'rm thinclient_drives/shared/gone.txt'
    cmp -s "$work/shared/from-client.txt" "$rdp_alice/copied.txt" || die "the file did not reach the desktop"
    did drive "shared"
    did file-read "from-client.txt $(stat -c %s "$rdp_alice/copied.txt")"
    did file-written "to-client.txt $(stat -c %s "$rdp_alice/made.txt")"
    rdp_log_off
    rdp_finish
    rdp_describe "a redirected drive: a file is read from it, one is written, renamed, one removed; 128-bit RC4 with the server's key given. (xfreerdp 2.11 never announces a drive to this xrdp, so rdesktop)"
}

# ------------------------------------------------------------------ TLS: the shape alone

rdp_tls_login() {
    rdp_desktop 3389 negotiate high
    capture_start
    rdp_freerdp /sec:tls /u:alice +clipboard
    rdp_session
    rdp_finish
    rdp_describe "a whole session under TLS"
}

rdp_tls_login_failed() {
    rdp_desktop 3389 negotiate high
    capture_start
    rdp_freerdp /sec:tls /u:alice
    rdp_log_in wrong
    await_log xrdp.log.file 'login failed for user'
    sleep 0.5
    rdp_leave
    did ended client
    rdp_finish
    rdp_describe "a wrong password at the login screen, under TLS"
}

rdp_tls_rdesktop() {
    rdp_desktop 3389 tls high ssl_protocols=TLSv1.2
    capture_start
    rdp_rdesktop -r clipboard:off -u alice
    rdp_session
    rdp_finish
    rdp_describe "rdesktop under TLS 1.2: its first connection asks for NLA"
}

# rdp_tls_login, opened with the keys that both ends wrote down.
rdp_tls_opened() {
    printf -- '--keys keys.log\n' >"$work/options"
    rdp_tls_login
}

# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# A whole xrdp desktop for recordings: session manager, PAM, Xvnc and channel server, all private,
# and clients under Xvfb that are typed into. Sourced by rdp.sh.
#
# Truth: the logs of xrdp, sesman, chansrv and Xvnc; what the X servers of both ends saw of keys and
# mouse (xinput); what arrived in files and clipboards.

rdp_desktop_display=$((1000 + $$ % 20000))  # the desktop's; the client's is rdp_display
rdp_alice=
rdp_client_pid=
rdp_server=server.example.test
rdp_salted=FALSE  # whether xfreerdp salts its checksums

# RC4 and MD4 are in OpenSSL's legacy provider, which Debian does not load.
rdp_openssl() {
    cat >"$work/openssl.cnf" <<CONFIG
openssl_conf = init
[init]
providers = providers
[providers]
default = active
legacy = active
[active]
activate = 1
CONFIG
}

# The settings of an xrdp on PORT: rdp_settings PORT SECURITY_LAYER CRYPT_LEVEL [GLOBAL...]
rdp_settings() {
    local port=$1 layer=$2 level=$3
    shift 3
    cat <<CONFIG
[Globals]
ini_version=1
fork=false
port=$port
tcp_nodelay=true
security_layer=$layer
crypt_level=$level
certificate=$work/rsa-certificate.pem
key_file=$work/rsa-key.pem
ssl_protocols=${rdp_tls_versions-TLSv1.2, TLSv1.3}
allow_channels=true
allow_multimon=true
bitmap_cache=true
bitmap_compression=true
bulk_compression=true
max_bpp=32
new_cursors=true
use_fastpath=both
ls_width=200
ls_height=150
ls_bg_color=dedede
ls_top_window_bg_color=009cb5
ls_logo_filename=$work/nothing
ls_label_x_pos=10
ls_label_width=60
ls_input_x_pos=75
ls_input_width=110
ls_input_y_pos=30
ls_btn_ok_x_pos=10
ls_btn_ok_y_pos=110
ls_btn_ok_width=80
ls_btn_ok_height=25
ls_btn_cancel_x_pos=100
ls_btn_cancel_y_pos=110
ls_btn_cancel_width=80
ls_btn_cancel_height=25
$(printf '%s\n' "$@")

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
}

# rdp_desktop PORT SECURITY_LAYER CRYPT_LEVEL [GLOBAL...]: xrdp and sesman; alice's desktop is an
# xterm that keeps what is typed, and does what rdp_do asks.
rdp_desktop() {
    local etc="/etc/netns/$network-server/xrdp"
    rdp_alice=$work/home/alice
    rdp_openssl
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=server.example.test \
        -keyout "$work/rsa-key.pem" -out "$work/rsa-certificate.pem" 2>/dev/null
    mkdir -p "$etc"
    cp -r /etc/xrdp/. "$etc/"
    xrdp-keygen xrdp "$etc/rsakeys.ini" >/dev/null 2>&1
    cp "$etc/rsakeys.ini" "$work/rsakeys.ini"
    rdp_settings "$@" >"$etc/xrdp.ini"
    cat >"$etc/sesman.ini" <<CONFIG
[Globals]
ListenAddress=127.0.0.1
ListenPort=3350
EnableUserWindowManager=false
UserWindowManager=none
DefaultWindowManager=$work/desktop.sh
ReconnectScript=/bin/true
[Security]
AllowRootLogin=false
MaxLoginRetry=4
AlwaysGroupCheck=false
[Sessions]
X11DisplayOffset=$rdp_desktop_display
MaxSessions=5
KillDisconnected=false
[Logging]
LogFile=$work/sesman.log
LogLevel=DEBUG
EnableSyslog=false
[Xvnc]
param=Xvnc
param=-bs
param=-nolisten
param=tcp
param=-localhost
param=-dpi
param=96
param=-Log
param=*:stderr:100
[Chansrv]
FuseMountName=thinclient_drives
[ChansrvLogging]
LogLevel=DEBUG
EnableSyslog=false
[SessionVariables]
WORK=$work
CONFIG
    # The members of the session answer for nobody but this one user.
    printf 'auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n' >"$work/pam"
    mkdir -p "/etc/netns/$network-server/pam.d"
    cp -r /etc/pam.d/. "/etc/netns/$network-server/pam.d/"
    cp "$work/pam" "/etc/netns/$network-server/pam.d/xrdp-sesman"
    cp "$record_folder/rdp_desktop_session.sh" "$work/desktop.sh"
    chmod 755 "$work/desktop.sh"
    cat >"$work/servers.sh" <<'SERVERS'
mkdir -p -m 3777 /run/xrdp/sockdir
xrdp-sesman -n &
exec xrdp -n -p "$1"
SERVERS
    rdp_preload
    start xrdp server env "OPENSSL_CONF=$work/openssl.cnf" "LD_PRELOAD=$work/keylog.so" \
        "SSLKEYLOGFILE=$work/keys.log" bash "$work/servers.sh" "$1"
    await_port "$1"
    await_port 3350
    rdp_screen 640x480x24
}

rdp_preload() {
    : >"$work/keys.log"
    chmod 666 "$work/keys.log"
    cc -shared -fPIC -O -o "$work/keylog.so" "$record_folder/rdp_keylog.c" -ldl
}

# rdp_screen GEOMETRY: the client's X server, with what comes in on it kept in client-input.log.
rdp_screen() {
    start xvfb client Xvfb "$rdp_display" -screen 0 "$1" -nolisten tcp -noreset
    await "an X server" 10 rdp_screen_answers "$rdp_display"
    start client-input client env "DISPLAY=$rdp_display" stdbuf -oL xinput test-xi2 --root
    await_log client-input.log 'Virtual core|EVENT|device' || true
}

# rdp_screen_answers DISPLAY: its socket is there before it takes clients. (Without -noreset it would turn away those that come when the
# first one has just left.)
rdp_screen_answers() {
    DISPLAY=$1 xset q >/dev/null 2>&1
}

# rdp_run PROGRAM OPTION...: a client in the background.
rdp_run() {
    local program=$1
    shift
    printf '%s\n' "program $program" "$@" >>"$work/client.options"
    HOME=$work DISPLAY=$rdp_display WLOG_LEVEL=${rdp_log_level-DEBUG} OPENSSL_CONF=$work/openssl.cnf \
        LD_PRELOAD=$work/keylog.so SSLKEYLOGFILE=$work/keys.log \
        become client timeout 60 stdbuf -oL "$program" "$@" >>"$work/client.log" 2>&1 < <(echo yes) &
    rdp_client_pid=$!
}

# rdp_freerdp OPTION...: xfreerdp with what every recording of it has. It would salt the checksum of its first
# encrypted packet, which xrdp does not know ([MS-RDPBCGR] 5.3.6.1.1) and takes for a wrong one.
rdp_freerdp() {
    rdp_run xfreerdp "/v:$rdp_server" "/size:$rdp_size" /bpp:16 /cert:ignore /client-hostname:RECORDER \
        /client-build-number:2600 "/tune:FreeRDP_SaltedChecksum:$rdp_salted" -wallpaper -themes "$@"
}

# rdp_rdesktop OPTION...: give it a -r clipboard:..., for with its own setting it and xrdp-chansrv ask each
# other for an empty clipboard without end.
rdp_rdesktop() {
    rdp_run rdesktop -v -g "$rdp_size" -a 16 -n RECORDER "$@" "$rdp_server"
}

# rdp_x COMMAND...: xdotool on the client's screen.
rdp_x() {
    DISPLAY=$rdp_display inside client xdotool "$@"
}

# rdp_login_screen: the client's window is there and the server drew its login screen.
rdp_login_screen() {
    await "the login screen" 15 log_has xrdp.log.file 'xrdp_wm_login_mode_changed: login_mode is 1'
    sleep 0.4
    rdp_focus
}

# The pointer and the keys go to the client's window; there is no window manager.
rdp_focus() {
    rdp_x mousemove 160 200
    inside client env "DISPLAY=$rdp_display" timeout 10 xdotool search --sync --onlyvisible --name 'server6?.example.test|rdesktop|FreeRDP' \
        windowfocus >/dev/null 2>&1 || true
    sleep 0.4
}

# did KIND WHAT...: one line of $work/did, in which truth_rdp.py reads what was done; line ends as \n.
did() {
    local kind=$1
    shift
    printf '%s\t%s\n' "$kind" "${*//$'\n'/\\n}" >>"$work/did"
}

# rdp_type TEXT: typed at a pace at which no key is lost.
rdp_type() {
    did typed "$1"
    rdp_x type --delay 30 "$1"
}

rdp_press() {
    did pressed "$@"
    rdp_x key --delay 30 "$@"
}

# rdp_await_desktop: alice's desktop is up.
rdp_await_desktop() {
    await "the desktop" 20 test -e "$rdp_alice/ready"
    sleep 0.5
    rdp_focus
}

# rdp_do COMMAND: done by alice's desktop; waits until it is.
rdp_do() {
    local before
    before=$(wc -l <"$rdp_alice/done")
    printf '%s\n' "$1" >"$rdp_alice/do"
    await "the desktop to do: $1" 15 rdp_did_more "$before"
}

# rdp_did_more LINES: the desktop has done more commands than that.
rdp_did_more() {
    [ "$(wc -l <"$rdp_alice/done")" -gt "$1" ]
}

# rdp_leave: the client is told to go (xfreerdp ends its session on SIGTERM).
rdp_leave() {
    kill "$rdp_client_pid" 2>/dev/null || true
    wait "$rdp_client_pid" 2>/dev/null || true
}

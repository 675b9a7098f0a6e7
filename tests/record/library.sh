# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# What every recording script shares: two network namespaces joined by a veth pair, servers and
# clients started inside them, tcpdump on the client's end, and the clean-up of it all.
# Sourced by case.sh, which runs one case in one process; names carry that process's id, so
# that several runs may go on at the same time.
#
#   client 10.77.0.2, fd00:77::2   <-- veth, offloads off -->   server 10.77.0.1, fd00:77::1
#
# /etc/netns/NAMESPACE lays private files over /etc inside a namespace (see ip-netns(8)), so the
# users that servers know (alice, bob) exist nowhere else; /run is an empty private one.

network=wsrec$$
server_address=10.77.0.1
client_address=10.77.0.2
server_address6=fd00:77::1
client_address6=fd00:77::2
alice_password='correct horse'
bob_password='battery-staple'

servers=$("$record_folder/install.sh" --folder)  # those that cannot be installed beside others
work=            # the case's folder for configuration, logs and captures
capture_pid=

die() {
    echo "record: $*" >&2
    exit 1
}

# ------------------------------------------------------------------ network

# Creates the namespaces and the veth pair. Nothing but lo and the pair exists in them.
network_open() {
    local side address address6 other feature
    work=$(mktemp -d "${TMPDIR:-/tmp}/wirescribe-record.XXXXXX")
    chmod 755 "$work"
    trap network_close EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    mkdir -p "$work/home/alice" "$work/home/bob"
    for side in server client; do
        mkdir -p "/etc/netns/$network-$side"
        private_etc "/etc/netns/$network-$side"
        ip netns add "$network-$side"
    done
    ip link add server0 netns "$network-server" address 02:00:00:00:00:01 type veth \
        peer name client0 netns "$network-client" address 02:00:00:00:00:02
    for side in server client; do
        address=${side}_address
        address6=${side}_address6
        ip -n "$network-$side" link set lo up
        ip -n "$network-$side" addr add "${!address}/24" dev "${side}0"
        ip -n "$network-$side" addr add "${!address6}/64" dev "${side}0" nodad
        for feature in tso gso gro lro tx rx sg txvlan rxvlan; do
            ip netns exec "$network-$side" ethtool -K "${side}0" "$feature" off >/dev/null 2>&1 || true
        done
        ip -n "$network-$side" link set "${side}0" up
    done
    for side in tcp-segmentation-offload generic-segmentation-offload generic-receive-offload \
        tx-checksumming; do
        for other in server client; do
            ip netns exec "$network-$other" ethtool -k "${other}0" | grep -q "^$side: off" ||
                die "$side cannot be switched off on a veth here"
        done
    done
    # No packet has to wait until the neighbour is found.
    for address in "$server_address" "$server_address6"; do
        ip -n "$network-client" neigh replace "$address" lladdr 02:00:00:00:00:01 dev client0 nud permanent
    done
    for address in "$client_address" "$client_address6"; do
        ip -n "$network-server" neigh replace "$address" lladdr 02:00:00:00:00:02 dev server0 nud permanent
    done
}

# Users and host names that exist inside the namespaces alone.
private_etc() {
    local etc=$1 user id=20001
    cp /etc/passwd /etc/group "$etc/"
    cp /etc/shadow "$etc/shadow"
    chmod 600 "$etc/shadow"
    for user in alice bob; do
        local password=${user}_password
        printf '%s:x:%d:%d:%s:%s:/bin/sh\n' "$user" "$id" "$id" "$user" "$work/home/$user" >>"$etc/passwd"
        printf '%s:x:%d:\n' "$user" "$id" >>"$etc/group"
        printf '%s:%s:19700:0:99999:7:::\n' "$user" \
            "$(printf '%s' "${!password}" | openssl passwd -6 -stdin)" >>"$etc/shadow"
        chown "$id:$id" "$work/home/$user"
        id=$((id + 1))
    done
    cat >"$etc/hosts" <<HOSTS
127.0.0.1 localhost
$server_address server.example.test server
$client_address client.example.test client
$server_address6 server6.example.test server6
$client_address6 client6.example.test client6
HOSTS
    printf 'hosts: files\npasswd: files\ngroup: files\nshadow: files\nservices: files\nprotocols: files\n' \
        >"$etc/nsswitch.conf"
}

# account NAME ID [HOME]: one more user, without a password, inside the server's namespace alone.
account() {
    local etc=/etc/netns/$network-server
    sed -i "/^$1:/d" "$etc/passwd" "$etc/group"
    printf '%s:x:%d:%d::%s:/usr/sbin/nologin\n' "$1" "$2" "$2" "${3:-/nonexistent}" >>"$etc/passwd"
    printf '%s:x:%d:\n' "$1" "$2" >>"$etc/group"
}

# Ends every process inside the namespaces (only ours can be there), then removes all traces.
network_close() {
    local status=$? side try
    set +e
    for try in 1 2 3 4 5 6 7 8; do
        local pids=()
        for side in server client; do
            mapfile -t -O "${#pids[@]}" pids < <(ip netns pids "$network-$side" 2>/dev/null)
        done
        [ "${#pids[@]}" -eq 0 ] && break
        if [ "$try" -lt 6 ]; then
            kill -TERM "${pids[@]}" 2>/dev/null
        else
            kill -KILL "${pids[@]}" 2>/dev/null
        fi
        sleep 0.1
    done
    for side in server client; do
        ip netns del "$network-$side" 2>/dev/null
        rm -rf "/etc/netns/$network-$side"
    done
    rmdir /etc/netns 2>/dev/null
    if [ "$status" -ne 0 ] && [ -n "${RECORD_KEEP-}" ]; then
        echo "record: kept $work" >&2
    elif [ -n "$work" ]; then
        rm -rf "$work"
    fi
    exit "$status"
}

# ------------------------------------------------------------------ processes

# become SIDE COMMAND...: this shell becomes the command, in the namespace of server or client.
become() {
    local side=$1
    shift
    # shellcheck disable=SC2016
    exec ip netns exec "$network-$side" bash -c '
        mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/sshd /run/lock && exec "$@"' inside "$@"
}

# inside SIDE COMMAND...: runs a command there and waits for it.
inside() {
    (become "$@")
}

# start NAME SIDE COMMAND...: the same in the background; its output goes to $work/NAME.log.
start() {
    local name=$1
    shift
    become "$@" >"$work/$name.log" 2>&1 </dev/null &
}

# await WHAT SECONDS COMMAND...: repeats the command until it succeeds.
await() {
    local what=$1 tries=$(($2 * 20))
    shift 2
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || die "$what did not come in time"
        sleep 0.05
    done
}

is_listening() {
    [ -n "$(ip netns exec "$network-server" ss -Hltn "sport = :$1")" ]
}

await_port() {
    await "a server on port $1" 15 is_listening "$1"
}

# log_has FILE PATTERN
log_has() {
    grep -Eq -- "$2" "$work/$1" 2>/dev/null
}

# await_log FILE PATTERN
await_log() {
    await "'$2' in $1" 10 log_has "$1" "$2"
}

# A fresh self-signed certificate: $work/certificate.pem, $work/key.pem.
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj /CN=server.example.test -addext subjectAltName=DNS:server.example.test \
        -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
}

# ------------------------------------------------------------------ recording

# capture_start [FILTER]: records all TCP, or what the filter says, on the client's end, whole packets, into $work/capture.pcap.
capture_start() {
    ip netns exec "$network-client" tcpdump -i client0 -Z root -n -s 0 -U --immediate-mode \
        -w "$work/capture.pcap" "${1:-tcp}" >"$work/tcpdump.log" 2>&1 &
    capture_pid=$!
    await_log tcpdump.log 'listening on'
}

# Waits until no packet has come for half a second, then ends tcpdump; a drop fails the case.
capture_stop() {
    local before=-1 now tries=40
    while [ "$tries" -gt 0 ]; do
        now=$(stat -c %s "$work/capture.pcap")
        [ "$now" = "$before" ] && break
        before=$now
        tries=$((tries - 1))
        sleep 0.5
    done
    kill -INT "$capture_pid"
    wait "$capture_pid" || true
    capture_pid=
    grep -q '^0 packets dropped by kernel' "$work/tcpdump.log" || die "tcpdump lost packets"
}

# ------------------------------------------------------------------ what is kept

# truth SCRIPT ARGUMENTS...: the protocol's log reader writes $work/truth.json.
truth() {
    local script=$1
    shift
    /usr/bin/python3 "$record_folder/$script" --case "$protocol/$case_name" "$@" >"$work/truth.json"
}

# Of packages that are installed, and of those that install.sh unpacked.
versions() {
    local package
    for package in "$@"; do
        cat "$servers/$package/VERSION" 2>/dev/null || dpkg-query -W -f "\${Package} \${Version}\n" "$package"
    done
}

# describe PURPOSE COMMAND PACKAGE...: the case's README.
describe() {
    local purpose=$1 made=$2
    shift 2
    {
        printf '# %s/%s\n\n' "$protocol" "$case_name"
        printf 'Purpose: %s\n\n' "$purpose"
        printf 'Origin: recorded from a real server and a real client in network namespaces:\n'
        versions "$@" | sed 's/^/- /'
        printf '\nThe client: `%s`\n' "$made"
        printf '\nMade by: `tests/record/record.sh %s/%s` (truth.json: what the logs of that run said)\n' \
            "$protocol" "$case_name"
    } >"$work/README.md"
}

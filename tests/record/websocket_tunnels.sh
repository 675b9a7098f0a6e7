# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records what travels inside WebSocket: SSH, VNC and RDP through tunnels, and protocols of messages between servers and clients of Node.js. The truth is
# what the applications at both ends logged, sshd and the VNC server among them.

node_modules=$servers/node/node_modules

# shellcheck source=ssh.sh
. "$record_folder/ssh.sh"

# tunnel NAME SIDE ARGUMENT...: websocket_bridge.py in the background.
tunnel() {
    local name=$1 side=$2
    shift 2
    start "$name" "$side" /usr/bin/python3 "$record_folder/websocket_bridge.py" "$@"
}

is_listening_there() {
    [ -n "$(ip netns exec "$network-client" ss -Hltn "sport = :$1")" ]
}

await_client_port() {
    await "a listener on the client's port $1" 15 is_listening_there "$1"
}

inner_ssh() {
    local side=$1
    shift
    inside "$side" ssh -F none -i "$work/alice_key" -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null "$@" 'cat notes.txt' </dev/null >>"$work/client.out" 2>>"$work/client.log" ||
        die "ssh through a tunnel failed: $(cat "$work/client.log")"
}

websocket_tunnel_ssh() {
    ssh_keys
    ssh_openssh_server 22
    start wstunnel server node "$node_modules/wstunnel/bin/wstt.js" -s 0.0.0.0:8001
    tunnel relay server relay 8002 22 chisel-v3
    tunnel hub server hub 8003 2203
    # sshd is on the server's end of the network; a second one is reached from behind by the agent.
    start behind client /usr/sbin/sshd -D -e -f "$work/sshd_config"
    await_port 8001
    await_port 8002
    await_port 8003
    start wstunnel-client client node "$node_modules/wstunnel/bin/wstt.js" -t 2201:127.0.0.1:22 ws://server.example.test:8001
    await_client_port 2201
    await_client_port 22
    capture_start
    inner_ssh client -p 2201 alice@127.0.0.1
    inner_ssh client -o "ProxyCommand=/usr/bin/python3 $record_folder/websocket_bridge.py pipe ws://server.example.test:8002/ chisel-v3" alice@server
    tunnel agent client agent ws://server.example.test:8003/ 22
    inner_ssh server -p 2203 alice@127.0.0.1
    capture_stop
    truth truth_websocket_inner.py --folder "$work" \
        '{"protocol":"ssh","client":"client","view":"ssh_sessions","read":{"client_software_version":["server.log","remote software version OpenSSH_(\\S+)"]}}' \
        '{"protocol":"ssh","client":"client","view":"ssh_sessions","read":{"client_software_version":["server.log","remote software version OpenSSH_(\\S+)"]}}' \
        '{"protocol":"ssh","client":"server","view":"ssh_sessions","read":{"client_software_version":["behind.log","remote software version OpenSSH_(\\S+)"]}}'
    describe "SSH inside WebSocket three times: through wstunnel of npm (its server and its client), through a tunnel with the subprotocol of chisel, and through a tunnel that was dialled from behind, where the WebSocket's server is the SSH client" \
        "ssh -p 2201 alice@127.0.0.1 'cat notes.txt'; wstt.js -t 2201:127.0.0.1:22 ws://server.example.test:8001; tests/record/websocket_bridge.py" \
        openssh-server openssh-client nodejs python3-websockets
}

websocket_tunnel_vnc() {
    start vnc server Xtigervnc :7 -geometry 64x48 -depth 24 -SecurityTypes None -rfbport 5907 -localhost -Log '*:stderr:100'
    await_port 5907
    start websockify server websockify 8001 127.0.0.1:5907
    tunnel relay server relay 8002 5907 base64
    await_port 8001
    await_port 8002
    capture_start
    inside client /usr/bin/python3 "$record_folder/websocket_vnc.py" ws://server.example.test:8001/websockify binary >>"$work/client.log" 2>&1
    inside client /usr/bin/python3 "$record_folder/websocket_vnc.py" ws://server.example.test:8002/websockify base64 >>"$work/client.log" 2>&1
    capture_stop
    truth truth_websocket_inner.py --folder "$work" \
        '{"protocol":"vnc","client":"client","read":{"inner_detail":["vnc.log","Client needs protocol version (\\S+)","RFB %s"]}}' \
        '{"protocol":"vnc","client":"client","read":{"inner_detail":["vnc.log","Client needs protocol version (\\S+)","RFB %s"]}}'
    describe "VNC inside WebSocket: through websockify in binary messages, and as websockify did before version 0.10 in text messages of base64" \
        "tests/record/websocket_vnc.py ws://server.example.test:8001/websockify binary" tigervnc-standalone-server websockify python3-websockets
}

# RDP's login screen: xrdp and FreeRDP as in rdp.sh, websockify and a tunnel between them.
websocket_tunnel_rdp() {
    # shellcheck source=rdp.sh
    . "$record_folder/rdp.sh"
    rdp_desktop 3389 negotiate high
    start websockify server websockify 8001 127.0.0.1:3389
    await_port 8001
    tunnel dial client dial 13389 ws://server.example.test:8001/websockify binary
    await_client_port 13389
    rdp_server=127.0.0.1:13389
    capture_start
    rdp_glance /sec:tls /u:alice
    capture_stop
    truth truth_websocket_inner.py --folder "$work" \
        '{"protocol":"rdp","client":"client","view":"rdp_sessions","read":{"cookie":["client.options","/u:(\\S+)"]}}'
    describe "RDP with TLS inside WebSocket: xfreerdp to xrdp through websockify" \
        "xfreerdp /v:127.0.0.1:13389 /sec:tls /u:alice; tests/record/websocket_bridge.py dial 13389 ws://server.example.test:8001/websockify binary" \
        freerdp2-x11 xrdp websockify python3-websockets
}

websocket_named() {
    printf 'listener 1883 127.0.0.1\nallow_anonymous true\nlog_type all\nlog_dest stderr\npersistence false\nuser root\n' >"$work/mosquitto.conf"
    start mosquitto server mosquitto -c "$work/mosquitto.conf"
    tunnel relay server relay 8007 1883 mqtt
    start named server env "NODE_PATH=$node_modules" node "$record_folder/websocket_named.js" server "$work/named.json"
    await_port 1883
    await_port 8007
    await_port 8006
    await_log named.json listening
    capture_start
    inside client env "NODE_PATH=$node_modules" timeout 30 node "$record_folder/websocket_named.js" client "$work/client.json" server.example.test \
        >"$work/client.log" 2>&1 || die "a client failed: $(cat "$work/client.log")"
    capture_stop
    truth truth_websocket_inner.py --folder "$work" \
        '{"protocol":"socket.io","client":"client","read":{"inner_detail":["named.json","\"socket.io\",\"version\":(\\d)","EIO=%s"]}}' \
        '{"protocol":"engine.io","client":"client","read":{"inner_detail":["named.json","\"engine.io\",\"version\":(\\d)","EIO=%s"]}}' \
        '{"protocol":"graphql-transport-ws","client":"client","read":{"subprotocol":["named.json","\"(graphql-transport-ws)\""]}}' \
        '{"protocol":"graphql-ws","client":"client","read":{"subprotocol":["named.json","\"(graphql-ws)\""]}}' \
        '{"protocol":"stomp","client":"client","read":{"inner_detail":["client.json","\"stomp\",\"version\":\"([0-9.]+)","STOMP %s"]}}' \
        '{"protocol":"jsonrpc","client":null}' \
        '{"protocol":"mqtt","client":"client","read":{"inner_detail":["mosquitto.log","connected from \\S+ as recorder-4 \\(p2(), c1","MQTT 3.1.1%s"]}}' \
        '{"protocol":"mqtt","client":"client","read":{"inner_detail":["mosquitto.log","connected from \\S+ as recorder-5 \\(p(5), c1","MQTT %s.0"]}}'
    describe "protocols of messages inside WebSocket, by the libraries that define them: Socket.IO, Engine.IO, both protocols of GraphQL, STOMP, JSON-RPC, and MQTT 3.1.1 and 5.0 with Mosquitto as the broker" \
        "node tests/record/websocket_named.js client LOG server.example.test" nodejs mosquitto python3-websockets
    versions_of_modules ws socket.io engine.io graphql-ws subscriptions-transport-ws @stomp/stompjs stomp-broker-js rpc-websockets mqtt
}

# Of modules that install.sh fetched, behind those of packages.
versions_of_modules() {
    local module list=
    for module in "$@"; do
        list+="- $module $(node -p "require('$node_modules/$module/package.json').version") (npm)\n"
    done
    awk -v "list=$list" '{ if (/^The client/) printf "%s\n", list; print }' "$work/README.md" | cat -s >"$work/README.new"
    mv "$work/README.new" "$work/README.md"
}

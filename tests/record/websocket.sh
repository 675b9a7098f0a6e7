# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records WebSocket: servers are python3-websockets, websocketd, ws of Node.js and libwebsockets; the client is python3-websockets, whose
# debug log names every frame, or Chromium, of whose frames the server's log tells; the truth is read from these logs. In TLS the client's
# key log is kept with the capture.

websocket_cases=(echo fragments deflate close refused odd-port servers wss proxies browser tunnel-ssh tunnel-vnc tunnel-rdp named)

# shellcheck source=websocket_tunnels.sh
. "$record_folder/websocket_tunnels.sh"

# websocket_server PORT SCRIPT [NAME=VALUE...]
websocket_server() {
    start "server$1" server /usr/bin/python3 "$record_folder/websocket_peer.py" server '' "$@"
    await_port "$1"
}

# websocket_node PORT [CERTIFICATE KEY]: ws of Node.js; tells what it saw in node.log, a line of JSON each.
websocket_node() {
    start "node$1" server env NODE_PATH=/usr/share/nodejs node "$record_folder/websocket_node.js" "$work/node.log" "$@"
    await_port "$1"
}

websocket_with_keys() {
    make_certificate
    export SSLKEYLOGFILE=$work/keys.log
    printf -- '--keys keys.log\n' >"$work/options"
}

# websocket_client URL SCRIPT [NAME=VALUE...]: appends its log to client.log.
websocket_client() {
    inside client timeout 20 /usr/bin/python3 "$record_folder/websocket_peer.py" client "$@" \
        >>"$work/client.log" 2>&1
}

websocket_finish() {
    capture_stop
    truth truth_websocket.py --client-log "$work/client.log"
}

websocket_echo() {
    websocket_server 80 echo
    capture_start
    websocket_client ws://server.example.test/ echo origin=http://pages.example.test \
        subprotocol=chat.example.test
    websocket_finish
    describe "text and binary messages of 0 to 1500 bytes, echoed; Origin and a subprotocol" \
        "tests/record/websocket_peer.py client ws://server.example.test/ echo origin=http://pages.example.test subprotocol=chat.example.test" \
        python3-websockets
}

websocket_fragments() {
    websocket_server 80 fragments
    capture_start
    websocket_client ws://server.example.test/ fragments
    websocket_finish
    describe "fragmented messages both ways, a ping and its pong between the fragments" \
        "tests/record/websocket_peer.py client ws://server.example.test/ fragments" python3-websockets
}

websocket_deflate() {
    websocket_server 80 echo
    capture_start
    websocket_client ws://server.example.test/ deflate compression=deflate
    websocket_finish
    describe "permessage-deflate (RFC 7692) with context takeover: the second copy of a text is smaller than the first" \
        "tests/record/websocket_peer.py client ws://server.example.test/ deflate compression=deflate" \
        python3-websockets
}

websocket_close() {
    websocket_server 80 close
    start second server /usr/bin/python3 "$record_folder/websocket_peer.py" server '' 81 echo
    await_port 81
    capture_start
    websocket_client ws://server.example.test/ close
    websocket_client ws://server.example.test:81/ close
    websocket_finish
    describe "two connections: the server closes with 4001 and a reason, then the client closes with 1001 and a reason" \
        "tests/record/websocket_peer.py client ws://server.example.test/ close" python3-websockets
}

websocket_refused() {
    websocket_server 80 echo
    start websocketd server websocketd --port=8080 --sameorigin /bin/cat
    await_port 8080
    capture_start
    websocket_client ws://server.example.test/elsewhere echo
    websocket_client ws://server.example.test:8080/ echo origin=http://stranger.example.test
    websocket_finish
    describe "two upgrades that are refused: 404 for an unknown path, 403 for a foreign origin" \
        "tests/record/websocket_peer.py client ws://server.example.test/elsewhere echo" \
        python3-websockets websocketd
}

websocket_odd_port() {
    start websocketd server websocketd --port=17017 --address="$server_address" --loglevel=access /bin/cat
    await_port 17017
    capture_start
    websocket_client 'ws://server.example.test:17017/lines?of=three' lines
    websocket_finish
    describe "websocketd on port 17017, another implementation; the URI has a query" \
        "tests/record/websocket_peer.py client 'ws://server.example.test:17017/lines?of=three' lines" \
        python3-websockets websocketd
}

websocket_servers() {
    websocket_node 8080
    start mirror server libwebsockets-test-server --port=7681
    await_port 7681
    capture_start
    websocket_client ws://server.example.test:8080/ mixed compression=deflate
    websocket_client ws://server.example.test:7681/ mirror compression=deflate subprotocol=lws-mirror-protocol
    websocket_finish
    describe "two more implementations, with permessage-deflate: ws of Node.js with a small window and no context takeover, libwebsockets with its mirror protocol" \
        "tests/record/websocket_peer.py client ws://server.example.test:8080/ mixed compression=deflate" \
        python3-websockets nodejs node-ws libwebsockets-test-server
}

websocket_wss() {
    websocket_with_keys
    websocket_server 443 echo "certificate=$work/certificate.pem" "key=$work/key.pem"
    websocket_server 444 fragments tls=1.2 "certificate=$work/certificate.pem" "key=$work/key.pem"
    websocket_node 445 "$work/certificate.pem" "$work/key.pem"
    capture_start
    websocket_client wss://server.example.test/ mixed origin=https://pages.example.test compression=deflate
    websocket_client wss://server.example.test:444/ fragments subprotocol=chat.example.test
    websocket_client wss://server.example.test:445/ mixed compression=deflate
    websocket_finish
    describe "WebSocket in TLS, opened with the client's key log: TLS 1.3 with permessage-deflate, TLS 1.2 with fragments, and ws of Node.js" \
        "tests/record/websocket_peer.py client wss://server.example.test/ mixed origin=https://pages.example.test compression=deflate" \
        python3-websockets nodejs node-ws
}

# nginx and tinyproxy on the server's end; behind nginx a WebSocket server on the client's, so that both of nginx's connections are recorded.
websocket_proxies() {
    websocket_with_keys
    start behind client /usr/bin/python3 "$record_folder/websocket_peer.py" server '' 8080 echo
    mkdir -p "$work/nginx"
    cat >"$work/nginx.conf" <<CONFIG
worker_processes 1;
daemon off;
user root;
pid $work/nginx/pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path $work/nginx; proxy_temp_path $work/nginx; fastcgi_temp_path $work/nginx; uwsgi_temp_path $work/nginx; scgi_temp_path $work/nginx;
    server {
        listen 443 ssl;
        server_name server.example.test;
        ssl_certificate $work/certificate.pem;
        ssl_certificate_key $work/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {
            proxy_pass http://$client_address:8080;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection Upgrade;
            proxy_set_header Host \$host;
            proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
        }
    }
}
CONFIG
    start nginx server nginx -e stderr -c "$work/nginx.conf"
    printf 'Port 8888\nListen %s\nTimeout 20\nBasicAuth alice battery\nConnectPort 443\nLogFile "%s"\n' "$server_address" "$work/tinyproxy.log" >"$work/tinyproxy.conf"
    start tinyproxy server tinyproxy -d -c "$work/tinyproxy.conf"
    await_port 443
    await_port 8888
    capture_start
    websocket_client wss://server.example.test/ mixed tls=1.2 origin=https://pages.example.test
    websocket_client wss://server.example.test/ fragments proxy=server.example.test:8888 proxy_user=alice:battery
    capture_stop
    truth truth_websocket.py --client-log "$work/client.log" --behind-log "$work/behind.log"
    describe "wss to nginx, which goes on without TLS to the server behind it: the messages of both connections are the same; then once more through tinyproxy, by CONNECT after a 407" \
        "tests/record/websocket_peer.py client wss://server.example.test/ fragments proxy=server.example.test:8888 proxy_user=alice:battery" \
        python3-websockets nginx tinyproxy-bin
}

websocket_browser() {
    websocket_with_keys
    websocket_node 443 "$work/certificate.pem" "$work/key.pem"
    capture_start
    mkdir -p "$work/profile"
    start chromium client env HOME="$work/profile" chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --ignore-certificate-errors \
        --no-first-run --disable-background-networking --disable-component-update --disable-sync --user-data-dir="$work/profile" \
        --remote-debugging-port=0 https://server.example.test/
    await 'the end of the page' 30 log_has node.log '"event":"close"'
    capture_stop
    truth truth_websocket.py --server-json "$work/node.log"
    describe "a page in Chromium (without a screen) that is fetched by HTTPS, opens a WebSocket, sends text and binary messages and closes with 4002" \
        "chromium --headless=new https://server.example.test/" chromium nodejs node-ws
}

# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records HTTP/2: servers are Node.js, nghttpd, nghttpx and nginx; clients are Chromium, Node.js, curl and nghttp. The truth is read from the log of
# the server, of nginx, or of the clients. In TLS the client's key log is kept with the capture.

http2_cases=(streams browser servers upgrade)

# http2_node PORT [CERTIFICATE KEY]: tells what it saw in node.log, a line of JSON each.
http2_node() {
    start "node$1" server node "$record_folder/http2_node.js" server "$work/node.log" "$@"
    await_port "$1"
}

http2_with_keys() {
    make_certificate
    export SSLKEYLOGFILE=$work/keys.log
    printf -- '--keys keys.log\n' >"$work/options"
}

http2_pages() {
    mkdir -p "$work/www"
    printf 'a page of the server\n' >"$work/www/page.txt"
    head -c 12000 /dev/zero | tr '\0' 'x' >"$work/www/large.txt"
}

# http2_curl [OPTION...] URL: one line of JSON of each request into curl.log. curl says nothing of streams.
http2_curl() {
    inside client timeout 10 curl -sS --insecure --max-time 8 -w '{"event": "curl", "version": "%{http_version}", "method": "%{method}", "url": "%{url_effective}", "status": %{response_code}, "request_size": %{size_upload}, "response_size": %{size_download}}\n' \
        -o /dev/null "$@" >>"$work/curl.log" 2>>"$work/curl.errors"
}

# http2_nghttp [OPTION...] URL...: its account of frames is appended to nghttp.log.
http2_nghttp() {
    { echo 'a connection'; inside client timeout 10 nghttp -nv --no-verify-peer "$@"; } >>"$work/nghttp.log" 2>&1
}

http2_finish() {
    local arguments=() kind
    capture_stop
    for kind in node curl nghttp; do
        [ ! -s "$work/$kind.log" ] || arguments+=("--$kind" "$work/$kind.log")
    done
    truth truth_http2.py "${arguments[@]}"
}

http2_streams() {
    http2_node 8080
    ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
    start sshd server /usr/sbin/sshd -D -e -f /dev/null -h "$work/host_key" -o 'Port=22' -o 'PidFile=none' -o 'UsePAM=no' -o 'StrictModes=no'
    await_port 22
    capture_start
    inside client timeout 20 node "$record_folder/http2_node.js" client http://server.example.test:8080
    inside client timeout 20 ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o ProxyCommand="node $record_folder/http2_node.js client http://server.example.test:8080 %h %p" -p 22 alice@127.0.0.1 true >"$work/ssh.log" 2>&1 || true
    await 'the end of the tunnel' 10 log_has node.log '127.0.0.1:22'
    http2_finish
    describe "HTTP/2 by prior knowledge: concurrent requests, trailers, an interim and a pushed answer, two WebSockets at a time (RFC 8441) and a refused one, and a tunnel that SSH goes through" \
        "tests/record/http2_node.js client http://server.example.test:8080" nodejs openssh-client openssh-server
}

http2_browser() {
    http2_with_keys
    http2_node 443 "$work/certificate.pem" "$work/key.pem"
    capture_start
    mkdir -p "$work/profile"
    start chromium client env HOME="$work/profile" chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --ignore-certificate-errors \
        --no-first-run --disable-background-networking --disable-component-update --disable-sync --user-data-dir="$work/profile" \
        --remote-debugging-port=0 https://server.example.test/
    await 'the end of the page' 30 log_has node.log '"uri":"/over"'
    http2_finish
    describe "a page in Chromium (without a screen) that is fetched by HTTP/2 in TLS, and opens a WebSocket, with permessage-deflate, in a stream of the same connection (RFC 8441)" \
        "chromium --headless=new https://server.example.test/" chromium nodejs
}

http2_servers() {
    http2_with_keys
    http2_pages
    start nghttpd server nghttpd -d "$work/www" --trailer 'x-end: here' --padding=7 444 "$work/key.pem" "$work/certificate.pem"
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
        listen 443 ssl http2;
        ssl_certificate $work/certificate.pem;
        ssl_certificate_key $work/key.pem;
        root $work/www;
    }
}
CONFIG
    start nginx server nginx -c "$work/nginx.conf"
    await_port 443
    await_port 444
    capture_start
    http2_curl https://server.example.test/page.txt https://server.example.test/missing -o /dev/null
    http2_curl --data 'a=form' --tls-max 1.2 https://server.example.test:444/page.txt
    http2_curl https://server.example.test:444/large.txt
    http2_finish
    describe "nginx and nghttpd in TLS 1.3 and 1.2, opened with the client's key log: requests one after the other on a connection, padding, trailers" \
        "curl https://server.example.test/page.txt" nginx nghttp2-server curl
}

http2_upgrade() {
    http2_pages
    start nghttpd server nghttpd --no-tls -d "$work/www" --push=/page.txt=/large.txt --padding=7 8081
    await_port 8081
    start nghttpx server nghttpx --conf=/dev/null --no-ocsp -f '*,8080;no-tls' -b '127.0.0.1,8081;;proto=h2' --no-server-push -n1
    await_port 8080
    capture_start
    http2_curl --http2 http://server.example.test:8080/page.txt http://server.example.test:8080/missing -o /dev/null
    http2_nghttp --upgrade http://server.example.test:8080/page.txt http://server.example.test:8080/missing
    http2_nghttp --continuation --padding=20 -H 'x-filler: some words' http://server.example.test:8081/page.txt http://server.example.test:8081/missing
    http2_finish
    describe "HTTP/2 in the clear: by an upgrade from HTTP/1.1 (nghttpx), whose first request is stream 1, and by prior knowledge (nghttpd) with CONTINUATIONs, padding and a pushed answer" \
        "curl --http2 http://server.example.test:8080/page.txt; nghttp --upgrade ...; nghttp --continuation --padding=20 http://server.example.test:8081/page.txt" \
        nghttp2-proxy nghttp2-server nghttp2-client curl
}

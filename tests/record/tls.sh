# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records TLS: OpenSSL's s_server, and its s_client or curl, whose key logs are kept with the capture. The truth is what the client says of each
# session, and what was sent inside.

tls_cases=(https13 https12 cbc old-versions resumed12 resumed13 early-data retry client-certificate key-update wrong-key no-keys expired rsa-key dtls)

tls_packages=(openssl curl)

# tls_server PORT OPTION...: serves the files of $work/www under /.
tls_server() {
    local port=$1
    shift
    mkdir -p "$work/www"
    [ -s "$work/www/page.html" ] || printf '<html><body>a page of the server</body></html>\n' >"$work/www/page.html"
    [ -s "$work/certificate.pem" ] || make_certificate
    (cd "$work/www" && exec ip netns exec "$network-server" openssl s_server -accept "$port" -cert "$work/certificate.pem" -key "$work/key.pem" -WWW "$@") \
        >"$work/server$port.log" 2>&1 </dev/null &
    await_port "$port"
}

# tls_get PORT OPTION...: one request by s_client, told in client.log.
tls_get() {
    local port=$1
    shift
    printf 'GET /page.html HTTP/1.0\r\n\r\n' |
        inside client timeout 10 openssl s_client -connect "$server_address:$port" -servername server.example.test -keylogfile "$work/keys.log" \
            -ign_eof "$@" >>"$work/client.log" 2>&1 || true
}

tls_curl() {
    inside client env SSLKEYLOGFILE="$work/keys.log" curl -sS --insecure --max-time 10 "$@" >>"$work/client.log" 2>&1 || true
}

tls_with_keys() {
    printf -- '--keys keys.log\n' >"$work/options"
}

tls_finish() {
    capture_stop
    truth truth_tls.py --client-log "$work/client.log" --keys "$work/keys.log"
}

tls_https13() {
    tls_with_keys
    tls_server 443 -tls1_3
    capture_start
    tls_curl https://server.example.test/page.html -w 'curl %{http_code} %{ssl_verify_result}\n'
    tls_get 443 -ciphersuites TLS_CHACHA20_POLY1305_SHA256
    tls_get 443 -ciphersuites TLS_AES_128_GCM_SHA256
    tls_finish
    describe "HTTPS over TLS 1.3, opened with the client's key log; three ciphers" \
        "curl --insecure https://server.example.test/page.html; openssl s_client -ciphersuites ..." "${tls_packages[@]}"
}

tls_https12() {
    tls_with_keys
    tls_server 443 -tls1_2
    capture_start
    tls_curl https://server.example.test/page.html -w 'curl %{http_code} %{ssl_verify_result}\n'
    tls_get 443 -cipher ECDHE-ECDSA-CHACHA20-POLY1305
    tls_get 443 -cipher ECDHE-ECDSA-AES128-CCM
    tls_finish
    describe "HTTPS over TLS 1.2, opened with the client's key log; the server's certificate is in the clear" \
        "curl --insecure https://server.example.test/page.html; openssl s_client -cipher ..." "${tls_packages[@]}"
}

tls_cbc() {
    tls_with_keys
    tls_server 443 -tls1_2
    tls_server 444 -tls1_2 -no_etm
    capture_start
    tls_get 443 -cipher ECDHE-ECDSA-AES128-SHA256
    tls_get 444 -cipher ECDHE-ECDSA-AES256-SHA384
    tls_get 443 -cipher ECDHE-ECDSA-AES256-SHA
    tls_finish
    describe "block ciphers with encrypt-then-MAC (port 443, RFC 7366) and without (port 444)" \
        "openssl s_client -cipher ..." "${tls_packages[@]}"
}

tls_old_versions() {
    tls_with_keys
    tls_server 443 -cipher ALL:@SECLEVEL=0 -min_protocol TLSv1
    capture_start
    tls_get 443 -tls1 -cipher ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0
    tls_get 443 -tls1_1 -cipher ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0
    tls_finish
    describe "TLS 1.0, whose blocks are chained from record to record, and TLS 1.1" \
        "openssl s_client -tls1 -cipher ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0" "${tls_packages[@]}"
}

tls_resumed12() {
    tls_with_keys
    tls_server 443 -tls1_2
    capture_start
    tls_get 443 -sess_out "$work/session"
    tls_get 443 -sess_in "$work/session"
    tls_finish
    describe "TLS 1.2, the second session resumed with a ticket: no certificate" "openssl s_client -sess_out, then -sess_in" "${tls_packages[@]}"
}

tls_resumed13() {
    tls_with_keys
    tls_server 443 -tls1_3
    capture_start
    tls_get 443 -sess_out "$work/session"
    tls_get 443 -sess_in "$work/session"
    tls_finish
    describe "TLS 1.3, the second session resumed with a pre-shared key" "openssl s_client -sess_out, then -sess_in" "${tls_packages[@]}"
}

tls_early_data() {
    tls_with_keys
    make_certificate
    start server443 server openssl s_server -accept 443 -cert "$work/certificate.pem" -key "$work/key.pem" -tls1_3 -early_data -max_early_data 16384 -no_anti_replay -quiet
    await_port 443
    printf 'GET /page.html HTTP/1.0\r\n\r\n' >"$work/request"
    capture_start
    (printf 'GET / HTTP/1.0\r\n\r\n'; sleep 1) |
        inside client timeout 10 openssl s_client -connect "$server_address:443" -servername server.example.test -keylogfile "$work/keys.log" \
            -sess_out "$work/session" >>"$work/client.log" 2>&1 || true
    (sleep 1) |
        inside client timeout 10 openssl s_client -connect "$server_address:443" -servername server.example.test -keylogfile "$work/keys.log" \
            -sess_in "$work/session" -early_data "$work/request" >>"$work/client.log" 2>&1 || true
    tls_finish
    describe "0-RTT: the second session's request is early data" "openssl s_client -sess_in session -early_data request" "${tls_packages[@]}"
}

tls_retry() {
    tls_with_keys
    tls_server 443 -tls1_3 -groups P-384
    capture_start
    tls_get 443 -groups X25519:P-384
    tls_finish
    describe "HelloRetryRequest: the server wants another group than the client's first" "openssl s_client -groups X25519:P-384" "${tls_packages[@]}"
}

tls_client_certificate() {
    local version port=443
    tls_with_keys
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=alice/O=Clients -keyout "$work/alice.key" -out "$work/alice.pem" 2>/dev/null
    for version in tls1_2 tls1_3; do
        tls_server "$port" "-$version" -verify 1
        port=$((port + 1))
    done
    capture_start
    tls_get 443 -cert "$work/alice.pem" -key "$work/alice.key"
    tls_get 444 -cert "$work/alice.pem" -key "$work/alice.key"
    tls_get 443
    tls_finish
    describe "the server asks for the client's certificate: TLS 1.2 (port 443), 1.3 (port 444), and a client without one" \
        "openssl s_client -cert alice.pem" "${tls_packages[@]}"
}

tls_key_update() {
    tls_with_keys
    tls_server 443 -tls1_3
    capture_start
    { sleep 0.5; echo K; sleep 0.3; echo k; sleep 0.3; printf 'GET /page.html HTTP/1.0\n\n'; sleep 2; } |
        inside client timeout 10 openssl s_client -connect "$server_address:443" -servername server.example.test -keylogfile "$work/keys.log" -crlf \
            >>"$work/client.log" 2>&1 || true
    tls_finish
    describe "key updates of both sides before the request" "openssl s_client, K and k typed into it" "${tls_packages[@]}"
}

tls_wrong_key() {
    tls_with_keys
    tls_server 443 -tls1_2
    tls_server 444 -tls1_3
    capture_start
    tls_get 443
    tls_get 444
    capture_stop
    truth truth_tls.py --client-log "$work/client.log" --keys "$work/keys.log"
    # the last letters of each secret are others now
    sed -i -E 's/[0-9a-f]{8}$/00000000/' "$work/keys.log"
    describe "a key log whose secrets are wrong: one finding a session, and nothing is invented" "openssl s_client; the key log was changed afterwards" "${tls_packages[@]}"
}

tls_no_keys() {
    tls_server 443 -tls1_3
    capture_start
    tls_get 443
    tls_finish
    rm "$work/keys.log"
    describe "TLS 1.3 without keys: what the hellos say, and nothing else" "openssl s_client" "${tls_packages[@]}"
}

tls_expired() {
    openssl req -new -newkey rsa:2048 -nodes -subj /CN=old.example.test -keyout "$work/key.pem" -out "$work/request.pem" 2>/dev/null
    mkdir -p "$work/authority"
    : >"$work/authority/index"
    printf '[ca]\ndefault_ca=a\n[a]\ndatabase=%s/authority/index\nnew_certs_dir=%s/authority\nserial=%s/authority/serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' \
        "$work" "$work" "$work" >"$work/authority/config"
    echo 1234 >"$work/authority/serial"
    openssl ca -batch -config "$work/authority/config" -selfsign -keyfile "$work/key.pem" -in "$work/request.pem" -startdate 20200101000000Z -enddate 20210101000000Z \
        -out "$work/certificate.pem" -notext >/dev/null 2>&1
    tls_server 443 -tls1_2
    capture_start
    tls_get 443
    tls_finish
    rm "$work/keys.log"
    describe "a certificate that expired, for another name, signed by itself" "openssl s_client" "${tls_packages[@]}"
}

tls_rsa_key() {
    printf -- '--rsa-key server.key\n' >"$work/options"
    openssl req -x509 -newkey rsa:1024 -nodes -days 30 -subj /CN=server.example.test -keyout "$work/server.key" -out "$work/certificate.pem" 2>/dev/null
    cp "$work/server.key" "$work/key.pem"
    tls_server 443 -cipher ALL:@SECLEVEL=0 -min_protocol TLSv1
    capture_start
    tls_get 443 -tls1_2 -cipher AES128-GCM-SHA256:@SECLEVEL=0
    tls_get 443 -tls1_2 -cipher AES256-SHA256:@SECLEVEL=0
    tls_get 443 -tls1 -cipher AES128-SHA:@SECLEVEL=0
    tls_get 443 -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0
    tls_finish
    rm "$work/keys.log"
    describe "RSA key exchange, opened with the server's private key alone: TLS 1.2 (extended master secret) and 1.0; it opens no ECDHE, and one finding says so" \
        "openssl s_client -cipher AES128-GCM-SHA256, AES256-SHA256, AES128-SHA, ECDHE-RSA-AES128-GCM-SHA256" "${tls_packages[@]}"
}

# dtls_server PORT OPTION...: answers what it is told.
dtls_server() {
    local port=$1
    shift
    ip netns exec "$network-server" openssl s_server -accept "$port" -cert "$work/certificate.pem" -key "$work/key.pem" -quiet "$@" >"$work/server$port.log" 2>&1 </dev/null &
    sleep 0.5
}

# dtls_get PORT OPTION...: as tls_get.
dtls_get() {
    local port=$1
    shift
    { sleep 0.6; echo hello; sleep 0.4; } |
        inside client timeout 5 openssl s_client -connect "$server_address:$port" -servername server.example.test -keylogfile "$work/keys.log" "$@" \
            >>"$work/client.log" 2>&1 || true
}

tls_dtls() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=server.example.test -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
    dtls_server 4433 -dtls -mtu 300 -cipher ALL:@SECLEVEL=0
    dtls_server 5684 -dtls -listen
    capture_start udp
    dtls_get 4433 -dtls1_2 -mtu 300
    dtls_get 4433 -dtls1 -cipher AES128-SHA:@SECLEVEL=0
    dtls_get 5684 -dtls1_2 -alpn coap
    tls_finish
    rm "$work/keys.log"
    describe "DTLS 1.2 and 1.0 over UDP: the handshake in fragments (MTU 300), and behind a HelloVerifyRequest (port 5684)" \
        "openssl s_client -dtls1_2 -mtu 300; -dtls1; -dtls1_2 -alpn coap" "${tls_packages[@]}"
}

# shellcheck shell=bash disable=SC2034,SC2154,SC2016
# Records SSH: OpenSSH's and Dropbear's server and client in their combinations. The truth comes
# from `ssh -vv` or from sshd at LogLevel DEBUG2, whichever side is OpenSSH, from the server's
# word on the login, and from the fingerprint of the host key file.

ssh_cases=(openssh openssh-to-dropbear dropbear-to-openssh aes128-ctr password-failed odd-port sftp host-certificate)

# Host keys and alice's key; her account accepts it.
ssh_keys() {
    local kind
    for kind in ed25519 ecdsa rsa; do
        ssh-keygen -q -t "$kind" -N '' -C host -f "$work/host_$kind"
    done
    ssh-keygen -q -t ed25519 -N '' -C alice@client -f "$work/alice_key"
    mkdir -p "$work/home/alice/.ssh"
    cp "$work/alice_key.pub" "$work/home/alice/.ssh/authorized_keys"
    chown -R 20001:20001 "$work/home/alice/.ssh"
    chmod 700 "$work/home/alice/.ssh"
    printf 'the quick brown fox\n' >"$work/home/alice/notes.txt"
}

# ssh_openssh_server PORT [OPTION...]: sshd, its options as -o would take them.
ssh_openssh_server() {
    local port=$1
    shift
    {
        printf '%s\n' "Port $port" "HostKey $work/host_ed25519" "HostKey $work/host_ecdsa" \
            "HostKey $work/host_rsa" 'LogLevel DEBUG2' 'UsePAM no' 'StrictModes no' \
            'PidFile none' 'UseDNS no' 'Subsystem sftp internal-sftp'
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$work/sshd_config"
    start server server /usr/sbin/sshd -D -e -f "$work/sshd_config"
    await_port "$port"
}

ssh_dropbear_server() {
    local kind
    for kind in ed25519 ecdsa; do
        dropbearconvert openssh dropbear "$work/host_$kind" "$work/dropbear_$kind" >/dev/null 2>&1 ||
            { rm -f "$work/host_$kind" "$work/host_$kind.pub"
              dropbearkey -t "$kind" -f "$work/dropbear_$kind" >"$work/dropbearkey.log" 2>&1
              grep -E '^(ssh|ecdsa)-' "$work/dropbearkey.log" >"$work/host_$kind.pub"; }
    done
    start server server dropbear -F -E -m -p "$1" -r "$work/dropbear_ed25519" -r "$work/dropbear_ecdsa"
    await_port "$1"
}

# ssh_client OPTION... [COMMAND]: OpenSSH's client; its -vv output becomes client.log.
ssh_client() {
    inside client ssh -F none -vv -i "$work/alice_key" -o IdentitiesOnly=yes -o IdentityAgent=none \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile="$work/known_hosts" "$@" \
        </dev/null >"$work/client.out" 2>"$work/client.log" || true
}

# The server has said that the connection is over, for every session recorded.
ssh_finish() {
    await_log server.log "$1"
    capture_stop
    truth truth_ssh.py --server-log "$work/server.log" --client-log "$work/client.log" \
        --host-keys "$work"
}

sshd_ended='Connection closed by|Disconnected from|Received disconnect|Connection reset by'

ssh_openssh() {
    ssh_keys
    ssh_openssh_server 22
    capture_start
    ssh_client alice@server.example.test 'uname -s; cat notes.txt'
    ssh_finish "$sshd_ended"
    describe "OpenSSH to OpenSSH: login with a public key, one command; the AEAD cipher both prefer" \
        "ssh -i alice_key alice@server.example.test 'uname -s; cat notes.txt'" openssh-server openssh-client
}

ssh_openssh_to_dropbear() {
    ssh_keys
    ssh_dropbear_server 22
    capture_start
    ssh_client alice@server.example.test 'cat notes.txt'
    ssh_finish 'Exit \(alice\)'
    describe "OpenSSH's client to Dropbear's server: public key, one command" \
        "ssh -i alice_key alice@server.example.test 'cat notes.txt'" dropbear-bin openssh-client
}

ssh_dropbear_to_openssh() {
    ssh_keys
    dropbearkey -t ed25519 -f "$work/dropbear_alice" >"$work/dropbearkey.log" 2>&1
    grep '^ssh-' "$work/dropbearkey.log" >"$work/home/alice/.ssh/authorized_keys"
    ssh_openssh_server 22
    capture_start
    inside client dbclient -y -y -i "$work/dropbear_alice" alice@server.example.test 'cat notes.txt' \
        </dev/null >"$work/client.out" 2>"$work/client.log" || true
    ssh_finish "$sshd_ended"
    describe "Dropbear's client to OpenSSH's server: public key, one command" \
        "dbclient -i alice_key alice@server.example.test 'cat notes.txt'" openssh-server dropbear-bin
}

ssh_aes128_ctr() {
    ssh_keys
    ssh_openssh_server 22
    capture_start
    ssh_client -c aes128-ctr -m hmac-sha2-256 -o KexAlgorithms=diffie-hellman-group14-sha256 \
        -o HostKeyAlgorithms=rsa-sha2-512 -o Compression=yes alice@server.example.test 'cat notes.txt'
    ssh_finish "$sshd_ended"
    describe "a cipher with a separate MAC, group 14, an RSA host key, delayed compression" \
        "ssh -c aes128-ctr -m hmac-sha2-256 -o KexAlgorithms=diffie-hellman-group14-sha256 -o HostKeyAlgorithms=rsa-sha2-512 -o Compression=yes alice@server.example.test 'cat notes.txt'" \
        openssh-server openssh-client
}

ssh_password_failed() {
    ssh_keys
    ssh_openssh_server 22 'MaxAuthTries 6'
    printf '#!/bin/sh\necho "not the password"\n' >"$work/askpass"
    chmod 755 "$work/askpass"
    capture_start
    SSH_ASKPASS=$work/askpass SSH_ASKPASS_REQUIRE=force ssh_client -o PubkeyAuthentication=no \
        -o PreferredAuthentications=password -o NumberOfPasswordPrompts=3 \
        alice@server.example.test true
    ssh_finish "$sshd_ended"
    describe "three wrong passwords, then the client gives up" \
        "ssh -o PreferredAuthentications=password -o NumberOfPasswordPrompts=3 alice@server.example.test true" \
        openssh-server openssh-client
}

ssh_odd_port() {
    ssh_keys
    ssh_openssh_server 2222 'VersionAddendum record' "Banner $work/banner"
    printf 'Only those who may.\n' >"$work/banner"
    capture_start
    ssh_client -p 2222 -c chacha20-poly1305@openssh.com -o KexAlgorithms=curve25519-sha256 \
        -o HostKeyAlgorithms=ecdsa-sha2-nistp256 alice@server6.example.test 'cat notes.txt'
    ssh_finish "$sshd_ended"
    describe "port 2222 over IPv6, ChaCha20, an ECDSA host key, a comment after the server's version" \
        "ssh -p 2222 -c chacha20-poly1305@openssh.com -o KexAlgorithms=curve25519-sha256 -o HostKeyAlgorithms=ecdsa-sha2-nistp256 alice@server6.example.test 'cat notes.txt'" \
        openssh-server openssh-client
}

ssh_sftp() {
    ssh_keys
    head -c 9000 /dev/zero >"$work/upload"
    ssh_openssh_server 22
    printf 'put %s upload\nget notes.txt %s\nbye\n' "$work/upload" "$work/notes.txt" >"$work/batch"
    capture_start
    inside client sftp -F none -vv -b "$work/batch" -i "$work/alice_key" -o IdentitiesOnly=yes \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile="$work/known_hosts" -o Ciphers=aes256-gcm@openssh.com \
        alice@server.example.test >"$work/client.out" 2>"$work/client.log" || true
    ssh_finish "$sshd_ended"
    describe "sftp: one upload of 9000 bytes, one download; AES-GCM" \
        "sftp -b batch -o Ciphers=aes256-gcm@openssh.com alice@server.example.test" \
        openssh-server openssh-client
}

ssh_host_certificate() {
    ssh_keys
    ssh-keygen -q -t ecdsa -N '' -C authority -f "$work/authority"
    ssh-keygen -q -s "$work/authority" -I 'key of the server' -h -n server.example.test,server -z 4711 -V 20260101:20360101 "$work/host_ed25519.pub"
    mv "$work/host_ed25519-cert.pub" "$work/certificate.pub"
    ssh_openssh_server 22 "HostCertificate $work/certificate.pub"
    capture_start
    ssh_client -o HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com alice@server.example.test 'cat notes.txt'
    ssh_finish "$sshd_ended"
    describe "a host certificate: its key, its names, its authority and how long it is valid" \
        "ssh -o HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com alice@server.example.test 'cat notes.txt'" openssh-server openssh-client
}

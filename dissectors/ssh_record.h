/*
 * ssh_record.h - the tables of SSH.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_RECORD_H
#define WIRESCRIBE_DISSECTORS_SSH_RECORD_H

#include "base/record.h"

#define SSH_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, text, protocol_version, \
           "the version that the two identifications agree on: '2.0', '1.5'; '1.99' where only a side that speaks both was seen") \
    COLUMN(R, text, client_version, "the client's identification, whole: 'SSH-2.0-OpenSSH_9.2p1 Debian-2'") \
    COLUMN(R, text, server_version, "the server's identification, whole") \
    COLUMN(R, text, kex, "negotiated key exchange method (RFC 4253, 7.1); NULL unless both sides' lists were seen and have one in common") \
    COLUMN(R, text, host_key_type, "negotiated host key algorithm") \
    COLUMN(R, text, host_key_fingerprint, "'SHA256:...' of the server's host key, as OpenSSH prints it") \
    COLUMN(R, text, client_cipher, "negotiated encryption, client to server") \
    COLUMN(R, text, server_cipher, "negotiated encryption, server to client") \
    COLUMN(R, text, client_mac, "negotiated integrity check, client to server; '<implicit>' where the cipher contains it") \
    COLUMN(R, text, server_mac, "negotiated integrity check, server to client; '<implicit>' where the cipher contains it") \
    COLUMN(R, text, client_compression, "negotiated compression, client to server") \
    COLUMN(R, text, server_compression, "negotiated compression, server to client") \
    COLUMN(R, text, hassh, "HASSH: MD5 of what the client offers, a fingerprint of its software") \
    COLUMN(R, text, hassh_server, "HASSH of the server") \
    COLUMN(R, boolean, strict_kex, "1 where both sides offer OpenSSH's strict key exchange, the answer to Terrapin (CVE-2023-48795)") \
    COLUMN(R, integer, rekeys, \
           "how often keys were exchanged again after the login, inferred; NULL where packets of that length stand alone, or are compressed") \
    COLUMN(R, integer, auth_attempts, \
           "login attempts that were answered, inferred: a key that is refused when it is offered is one, a key that is offered and then signed is " \
           "one, " \
           "a dialogue of prompts and answers is one; 'none' is not counted") \
    COLUMN(R, text, auth_result, \
           "'success' or 'failure' (the connection ended without success), inferred; NULL before it is over and where bytes are missing") \
    COLUMN(R, text, auth_method, "the method that was answered last, inferred: 'none', 'password', 'publickey', 'keyboard-interactive'") \
    COLUMN(R, text, activity, "what was done: 'shell', 'command', 'sftp', 'scp', 'tunnel' or 'none'; a guess") \
    LATER(R, integer, keystrokes, "keys typed in a shell; a guess") \
    COLUMN(R, integer, bytes_up, \
           "payload bytes, client to server, after the keys were exchanged: packets without length field, MAC and the least padding, so up to 15 " \
           "bytes a " \
           "packet too many; where lengths are encrypted, of as few packets as the sizes allow; missing bytes included; NULL where the ciphers are " \
           "not known") \
    COLUMN(R, integer, bytes_down, "payload bytes, server to client, in the same way") \
    COLUMN(R, text, inference_basis, "what the guesses in this row rest on") \
    COLUMN(R, text, auth_methods, "the methods that were tried, in their order, inferred: 'none,publickey,password'") \
    COLUMN(R, integer, auth_failures, "login attempts that were refused") \
    COLUMN(R, text, auth_key, "the kind of the last key by its size: 'ed25519', 'ecdsa-256', 'rsa-3072'") \
    COLUMN(R, boolean, auth_typed, "1 where a password or an answer took as long as a person needs, 0 where all came as fast as a program's") \
    COLUMN(R, boolean, known_host, "1 where the client went on at once when it had the server's host key, 0 where it stopped, as to ask a person") \
    COLUMN(R, boolean, agent_forwarding, \
           "1 where OpenSSH's client asked to forward its agent, 0 where it did not, inferred from the sizes of what it asked of its session") \
    COLUMN(R, text, probe, \
           "of a client that left without asking for a login: how far it went: 'version' (identifications alone), 'kex' (a key exchange), " \
           "'auth_methods' " \
           "(which methods there are)") \
    LATER(R, text, activity_detail, \
           "more of the activity: 'scp over sftp', 'old protocol, up', 'local', 'dynamic', 'remote', 'stdio', 'rsync', 'x11'; a guess") \
    COLUMN(R, text, transfer_direction, "which way files went by sftp or scp: 'up' (to the server), 'down', 'both'; a guess") \
    COLUMN(R, integer, transfer_size, "the bytes of these files together, to within two percent; NULL where compression or loss hides it; a guess") \
    COLUMN(R, integer, transfer_files, "how many they are; a guess")

#define SSH_EVENT(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, time_us, "when it was seen; microseconds since the epoch, UTC") \
    COLUMN(R, text, kind, "what it is, in one word of a fixed list") \
    COLUMN(R, text, detail, "what there is to say of it") \
    COLUMN(R, text, basis, "of what was inferred from the shape of encrypted packets: the rule that it rests on; NULL where it stood in the clear")

RECORD_STRUCT(ssh_session, SSH_SESSION);
RECORD_STRUCT(ssh_event, SSH_EVENT);

extern const struct record_table ssh_session_table;
extern const struct record_table ssh_event_table;

#endif

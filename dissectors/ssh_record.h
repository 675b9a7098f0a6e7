/*
 * ssh_record.h - the tables of SSH.
 */
#ifndef WIRESCRIBE_DISSECTORS_SSH_RECORD_H
#define WIRESCRIBE_DISSECTORS_SSH_RECORD_H

#include "base/record.h"

#define SSH_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, integer, tunnel, RECORD_DOC_TUNNEL) \
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
    COLUMN(R, integer, keystrokes, "keys typed in a shell; a guess") \
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
    COLUMN(R, text, activity_detail, \
           "more of the activity: 'scp over sftp', 'old protocol, up', 'local', 'dynamic', 'remote', 'stdio', 'rsync', 'x11'; a guess") \
    COLUMN(R, text, transfer_direction, "which way files went by sftp or scp: 'up' (to the server), 'down', 'both'; a guess") \
    COLUMN(R, integer, transfer_size, "the bytes of these files together, to within two percent; NULL where compression or loss hides it; a guess") \
    COLUMN(R, integer, transfer_files, "how many they are; a guess") \
    COLUMN(R, text, client_software, "the client's software, as its identification names it: 'OpenSSH', 'PuTTY_Release', 'dropbear'") \
    COLUMN(R, text, client_software_version, "its version: '9.2p1'; NULL where the identification has none") \
    COLUMN(R, text, client_comment, "what follows the first space in the client's identification") \
    COLUMN(R, text, server_software, "the server's software") \
    COLUMN(R, text, server_software_version, "its version") \
    COLUMN(R, text, server_comment, "what follows the first space in the server's identification: 'Debian-2+deb12u3'") \
    COLUMN(R, text, server_text, "lines that the server sent before its identification (RFC 4253, 4.2), the first 2048 bytes") \
    COLUMN(R, text, client_language, "negotiated language tag, client to server") \
    COLUMN(R, text, server_language, "negotiated language tag, server to client") \
    COLUMN(R, integer, kex_group_min, "smallest group that the client accepts in a group exchange (RFC 4419); bits") \
    COLUMN(R, integer, kex_group_preferred, "size of the group that it would like; bits") \
    COLUMN(R, integer, kex_group_max, "largest group that it accepts; bits") \
    COLUMN(R, integer, kex_group_bits, "size of the prime of the Diffie-Hellman group that was used; NULL for other methods") \
    COLUMN(R, integer, kex_group_generator, "generator of that group") \
    COLUMN(R, text, host_key, "the server's host key or certificate as a line of known_hosts has it: its type and base64") \
    COLUMN(R, text, host_key_kind, "type that the host key says it is of: 'ssh-rsa' where host_key_type is 'rsa-sha2-512'; of SSH 1 'rsa1'") \
    COLUMN(R, integer, host_key_bits, "size of the host key: of RSA's modulus, DSA's prime, the curve") \
    COLUMN(R, text, host_key_fingerprint_md5, "'MD5:...' of the host key, as older versions of OpenSSH print it") \
    COLUMN(R, text, host_key_signature, "algorithm of the signature that proves the host key") \
    COLUMN(R, text, host_certificate_key_id, "what a host certificate calls its key") \
    COLUMN(R, text, host_certificate_principals, "names that it is valid for, joined by commas; NULL: for any") \
    COLUMN(R, text, host_certificate_serial, "its serial number, decimal") \
    COLUMN(R, text, host_certificate_authority, "type and fingerprint of the key that signed it: 'ssh-ed25519 SHA256:...'") \
    COLUMN(R, integer, host_certificate_valid_from_us, "begin of its validity; microseconds since the epoch, UTC; NULL where it has none") \
    COLUMN(R, integer, host_certificate_valid_until_us, "end of its validity; NULL: for ever") \
    COLUMN(R, integer, client_newkeys_us, \
           "when the client's NEWKEYS was seen: what it sends from there on is encrypted; microseconds since the epoch, UTC; " \
           "NULL where bytes before it are missing") \
    COLUMN(R, integer, server_newkeys_us, "when the server's NEWKEYS was seen, in the same way") \
    COLUMN(R, text, disconnect_by, "'client' or 'server': who sent SSH_MSG_DISCONNECT in the clear") \
    COLUMN(R, text, disconnect_reason, "its reason by name (RFC 4250, 4.2.2): 'key exchange failed'; else its number") \
    COLUMN(R, text, disconnect_text, "its description") \
    COLUMN(R, text, ssh1_ciphers, "SSH 1: ciphers that the server supports, joined by commas") \
    COLUMN(R, text, ssh1_authentications, "SSH 1: ways to log in that the server supports, joined by commas") \
    COLUMN(R, integer, ssh1_server_key_bits, "SSH 1: size of the server key, which is made anew each hour")

#define SSH_EVENT(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, time_us, "when it was seen; microseconds since the epoch, UTC; NULL for what was said in the clear behind a gap") \
    COLUMN(R, text, kind, \
           "in the clear 'text', 'identification', 'kexinit', 'negotiated', 'no_common_algorithm', 'key_exchange', 'host_key', 'newkeys', " \
           "'disconnect', " \
           "'ignore', 'debug', 'unimplemented'; then what was inferred") \
    COLUMN(R, text, detail, "what there is to say of it; of what one side said, 'client: ' or 'server: ' and the particulars") \
    COLUMN(R, text, basis, "of what was inferred from the shape of encrypted packets: the rule that it rests on; NULL where it stood in the clear")

#define SSH_KEXINIT(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, text, from_side, "'client' or 'server': who offers it") \
    COLUMN(R, integer, time_us, "when it was seen; microseconds since the epoch, UTC") \
    COLUMN(R, text, cookie, "its 16 random bytes; hexadecimal") \
    COLUMN(R, text, kex_algorithms, \
           "key exchange methods, in the order of preference, joined by commas as sent; NULL, here and below, where the list is empty") \
    COLUMN(R, text, host_key_algorithms, "host key algorithms") \
    COLUMN(R, text, ciphers_to_server, "encryption, client to server") \
    COLUMN(R, text, ciphers_to_client, "encryption, server to client") \
    COLUMN(R, text, macs_to_server, "integrity check, client to server") \
    COLUMN(R, text, macs_to_client, "integrity check, server to client") \
    COLUMN(R, text, compressions_to_server, "compression, client to server; 'zlib@openssh.com' begins only behind the login") \
    COLUMN(R, text, compressions_to_client, "compression, server to client") \
    COLUMN(R, text, languages_to_server, "language tags, client to server") \
    COLUMN(R, text, languages_to_client, "language tags, server to client") \
    COLUMN(R, boolean, first_kex_packet_follows, "1 where the side sends the first packet of the method that it guesses at once") \
    COLUMN(R, text, guess, "'right' or 'wrong' where it guessed; NULL where it did not, or the other side's offer was not seen") \
    COLUMN(R, boolean, ext_info, "1 where it takes SSH_MSG_EXT_INFO (RFC 8308: ext-info-c, ext-info-s)") \
    COLUMN(R, boolean, strict_kex, "1 where it offers OpenSSH's strict key exchange") \
    COLUMN(R, text, hassh_algorithms, \
           "what HASSH is computed of: methods, encryption, integrity checks and compressions of its own sending, joined by semicolons")

RECORD_STRUCT(ssh_session, SSH_SESSION);
RECORD_STRUCT(ssh_kexinit, SSH_KEXINIT);
RECORD_STRUCT(ssh_event, SSH_EVENT);

extern const struct record_table ssh_session_table;
extern const struct record_table ssh_kexinit_table;
extern const struct record_table ssh_event_table;

#endif

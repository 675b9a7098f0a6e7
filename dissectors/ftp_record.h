/*
 * ftp_record.h - the tables of FTP.
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_RECORD_H
#define WIRESCRIBE_DISSECTORS_FTP_RECORD_H

#include "base/record.h"

#define FTP_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, integer, tunnel, RECORD_DOC_TUNNEL) \
    COLUMN(R, text, banner, "the server's greeting, without its code; lines joined by LF") \
    COLUMN(R, text, user, "argument of the last USER") \
    COLUMN(R, text, password, "argument of the last PASS: of an anonymous user the address that was given; of every other user NULL unless --passwords was given") \
    COLUMN(R, text, auth_result, "'success' (230) or 'failure' (530, ...) of the last login; NULL where it was not decided, or its reply was not seen") \
    COLUMN(R, text, system, "reply to SYST, without its code") \
    COLUMN(R, text, encryption, "'explicit' where the server agreed to AUTH TLS, 'implicit' where the whole session is inside TLS, else 'none'") \
    COLUMN(R, integer, commands, "rows of this session in ftp_commands") \
    COLUMN(R, integer, transfers, "rows of this session in ftp_transfers") \
    COLUMN(R, integer, bytes_up, "bytes that data connections carried to the server, those that are missing in the capture included") \
    COLUMN(R, integer, bytes_down, "bytes that data connections carried to the client, listings and missing bytes included") \
    COLUMN(R, text, last_reply, "the last reply seen, with its code; lines joined by LF") \
    COLUMN(R, integer, login_attempts, "logins that were tried: a USER with its PASS, or a PASS again after a refusal") \
    COLUMN(R, text, features, "what the server says that it can do beyond RFC 959: the last answer to FEAT, one feature a line") \
    COLUMN(R, text, host, "the server that the client asked for by HOST, and that the server agreed to be") \
    COLUMN(R, text, client_software, "what the client calls itself: argument of CLNT")

#define FTP_COMMAND(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, integer, number, "from 1 within the session, in the order of sending") \
    COLUMN(R, integer, time_us, "when the command was sent; microseconds since the epoch, UTC") \
    COLUMN(R, text, command, "the verb in upper case") \
    COLUMN(R, text, argument, "what follows the verb, as sent; of ACCT, and of PASS of a user who is not anonymous, NULL unless --passwords was given; so are the passwords of SITE PSWD and GPASS left out") \
    COLUMN(R, integer, reply_code, "code of the final reply; NULL where no byte of it was seen") \
    COLUMN(R, text, reply, "text of the final reply; lines joined by LF; NULL where it repeats a password that is not to be recorded") \
    COLUMN(R, integer, delay_us, "from the command to the end of its final reply; microseconds") \
    COLUMN(R, integer, preliminary_code, "code of the first preliminary reply (1yz); NULL where there was none") \
    COLUMN(R, text, path, "the absolute path that the argument means; NULL where it names none, or the working directory is not known")

#define FTP_TRANSFER(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, "the control connection: flows.flow_id") \
    COLUMN(R, integer, number, "from 1 within the session") \
    COLUMN(R, integer, time_us, "when the command was sent; microseconds since the epoch, UTC") \
    COLUMN(R, text, command, "'RETR', 'STOR', 'APPE', 'STOU', 'LIST', 'NLST', 'MLSD'; NULL where it was not seen") \
    COLUMN(R, text, path, "what was transferred or listed: absolute where the working directory is known, else as sent; of STOU the name that the server gives") \
    COLUMN(R, text, direction, "'download', 'upload' or 'list'; NULL where the command was not seen and the server sent") \
    COLUMN(R, text, mode, "'passive' (PASV, EPSV, LPSV) or 'active' (PORT, EPRT, LPRT, or the server came from its port 20 by itself); NULL where neither was seen") \
    COLUMN(R, text, data_ip, "the address announced for the data connection") \
    COLUMN(R, integer, data_port, "the port announced for it") \
    COLUMN(R, integer, data_flow_id, "the data connection: flows.flow_id; NULL where it was not seen") \
    COLUMN(R, integer, offset, "where the transfer begins in the file, by REST; NULL without one") \
    COLUMN(R, integer, size, "bytes that the data connection carried, those that are missing in the capture included") \
    COLUMN(R, real, duration, "of the data connection, from its first packet to its last; seconds") \
    COLUMN(R, integer, reply_code, "code of the final reply; NULL where it was not seen") \
    COLUMN(R, boolean, complete, "1 where outcome is 'complete', 0 where it is another one, NULL where it is not known") \
    COLUMN(R, integer, file_id, "files.file_id; NULL for listings, refused transfers, and what TLS protects") \
    COLUMN(R, text, type, "as TYPE stood: 'ascii', 'binary', 'ebcdic' or 'local' (L); NULL where it may have been set unseen") \
    COLUMN(R, text, structure, "as STRU stood: 'file', 'record' or 'page'; NULL where it may have been set unseen") \
    COLUMN(R, text, transmission, "as MODE stood: 'stream', 'block', 'compressed' or 'deflate' (MODE Z); NULL where it may have been set unseen") \
    COLUMN(R, boolean, protected, "1 where the data connection is inside TLS: size is then what TLS made of the file; NULL where it was not seen") \
    COLUMN(R, integer, announced_size, "bytes that the server said it opens or has (150 reply, else SIZE), or the client will send (ALLO): of the whole file or of what is left behind offset") \
    COLUMN(R, text, outcome, \
           "'complete': the sender closed in order (or the mode's mark of the end was seen) and the server agreed, or just the announced bytes " \
           "travelled; 'refused': by a reply before any byte; 'aborted': by a reply after some, or ABOR; 'short': fewer bytes than announced; " \
           "'broken': reset, or without its end; 'gap': bytes are missing in the capture; NULL where the capture does not tell")

#define FTP_LISTING(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, "the control connection: flows.flow_id") \
    COLUMN(R, integer, transfer, "the listing: ftp_transfers.number; NULL where it came in a reply (MLST, STAT)") \
    COLUMN(R, integer, number, "from 1 within the listing") \
    COLUMN(R, integer, time_us, "when the listing was asked for; microseconds since the epoch, UTC; NULL where the command was not seen") \
    COLUMN(R, text, path, "absolute path of the entry; NULL where the listed directory is not known") \
    COLUMN(R, text, name, "as listed; NULL where the line is in no known form") \
    COLUMN(R, integer, size, "as listed: bytes, of a directory or a link what the server makes of it") \
    COLUMN(R, text, kind, "'file', 'directory', 'link', 'device', 'pipe', 'socket' or 'other'; NULL where the listing does not say (NLST)") \
    COLUMN(R, integer, modified_us, "last change; microseconds since the epoch; only where the listing states UTC (MLSD, MLST, EPLF)") \
    COLUMN(R, text, modified, "last change as listed: of LIST in the server's own time zone, often without the year") \
    COLUMN(R, text, target, "where a link points to") \
    COLUMN(R, text, permissions, "as listed: 'drwxr-xr-x', or the facts UNIX.mode or perm") \
    COLUMN(R, text, owner, "as listed") \
    COLUMN(R, text, owner_group, "as listed") \
    COLUMN(R, text, unique_id, "the fact unique, or EPLF's i") \
    COLUMN(R, text, line, "a line in no known form, as it is")

RECORD_STRUCT(ftp_session, FTP_SESSION);
RECORD_STRUCT(ftp_command, FTP_COMMAND);
RECORD_STRUCT(ftp_transfer, FTP_TRANSFER);
RECORD_STRUCT(ftp_listing_row, FTP_LISTING);

extern const struct record_table ftp_session_table;
extern const struct record_table ftp_command_table;
extern const struct record_table ftp_transfer_table;
extern const struct record_table ftp_listing_table;

#endif

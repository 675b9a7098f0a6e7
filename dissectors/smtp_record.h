/*
 * smtp_record.h - the tables of SMTP.
 */
#ifndef WIRESCRIBE_DISSECTORS_SMTP_RECORD_H
#define WIRESCRIBE_DISSECTORS_SMTP_RECORD_H

#include "base/record.h"

#define SMTP_SESSION(COLUMN, LATER, R) \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, integer, tunnel, RECORD_DOC_TUNNEL) \
    COLUMN(R, text, banner, "the server's greeting, without its code") \
    COLUMN(R, text, helo, "the name that the client gave with EHLO, HELO or LHLO; the last one that was accepted") \
    COLUMN(R, text, server_extensions, "what the server offers in its last reply to EHLO or LHLO, joined by ', '") \
    COLUMN(R, text, encryption, "'starttls' where the server agreed to begin TLS, 'implicit' where the whole session is inside TLS, else 'none'") \
    COLUMN(R, text, auth_mechanism, "SASL mechanism of the last attempt to log in: 'PLAIN', 'LOGIN', ...") \
    COLUMN(R, text, auth_user, "the name to log in with, where the mechanism shows it") \
    COLUMN(R, text, auth_result, "'success' or 'failure', by the server's reply; NULL where it was not seen") \
    COLUMN(R, integer, mails, "rows of this session in smtp_mails") \
    COLUMN(R, text, last_reply, "the last reply seen, with its code; lines joined by LF; what it repeats of a login is '***'") \
    COLUMN(R, integer, auth_attempts, "attempts to log in: AUTH commands whose exchange is over; NULL where the client's commands were not seen") \
    COLUMN(R, text, auth_identity, "as whom the user of the last attempt wants to act (SASL's authorization identity), where that is somebody else") \
    COLUMN(R, text, auth_domain, "NTLM: the user's domain; DIGEST-MD5: the realm; of the last attempt") \
    COLUMN(R, text, auth_workstation, "NTLM: the client's computer; of the last attempt") \
    COLUMN(R, text, auth_password, "password of the last attempt, or its bearer token, where the mechanism shows it; only with --passwords") \
    COLUMN(R, text, forwarded, "attributes of the last XCLIENT or XFORWARD that the server accepted: the client that it speaks for")

#define SMTP_MAIL(COLUMN, LATER, R) \
    COLUMN(R, integer, mail_id, "unique in the database") \
    COLUMN(R, integer, number, "from 1 within the session") \
    COLUMN(R, integer, flow_id, RECORD_DOC_FLOW_ID) \
    COLUMN(R, boolean, encrypted, RECORD_DOC_ENCRYPTED) \
    COLUMN(R, text, mail_from, "the envelope's sender as written between < and >; '<>' for the empty one") \
    COLUMN(R, text, recipients, "the envelope's recipients that the server accepted, joined by ', '; in LMTP without those that it refused behind the message") \
    COLUMN(R, text, rejected_recipients, "those that it refused, joined by ', '; in LMTP also behind the message") \
    COLUMN(R, text, outcome, "'delivered': the server took the mail; 'rejected': it refused the sender, every recipient or the message; " \
                             "'aborted': given up before its end; 'unknown': the reply that decides was not seen") \
    COLUMN(R, integer, reply_code, "code of the reply that decided") \
    COLUMN(R, text, reply, "text of the reply that decided, lines joined by LF") \
    COLUMN(R, text, transfer, "'data' or 'bdat'; NULL where no message was sent") \
    COLUMN(R, integer, size, "bytes of the message as it arrived, without the dots that DATA adds, those that are missing in the capture included; " \
                             "NULL where that cannot be told") \
    COLUMN(R, integer, missing, "bytes of the message that are known to be missing in the capture") \
    COLUMN(R, text, subject, "header field Subject, unfolded (RFC 5322, 2.2.3), its encoded words decoded (RFC 2047)") \
    COLUMN(R, text, header_from, "header field From, unfolded, encoded words decoded, addresses as written") \
    COLUMN(R, text, header_to, "header field To, unfolded, encoded words decoded, addresses as written") \
    COLUMN(R, text, header_cc, "header field Cc, unfolded, encoded words decoded, addresses as written") \
    COLUMN(R, text, header_reply_to, "header field Reply-To, unfolded, encoded words decoded, addresses as written") \
    COLUMN(R, text, header_date, "header field Date as written, unfolded") \
    COLUMN(R, text, message_id, "header field Message-ID as written, unfolded") \
    COLUMN(R, text, in_reply_to, "header field In-Reply-To as written, unfolded") \
    COLUMN(R, text, user_agent, "header field User-Agent, or else X-Mailer") \
    COLUMN(R, text, originating_ip, "the address that the mail says it came from: X-Originating-IP, else the client in the oldest Received; NULL where " \
                                    "neither shows one") \
    COLUMN(R, integer, received_hops, "header fields Received; NULL where the headers were not seen to their end") \
    COLUMN(R, integer, attachments, "parts of the message that have a file name or the disposition 'attachment', or are neither text nor a message; " \
                                    "NULL where the message was not seen whole") \
    COLUMN(R, integer, declared_size, "bytes that the client announced with MAIL's SIZE= (RFC 1870)") \
    COLUMN(R, text, body_type, "MAIL's BODY= (RFC 6152, RFC 3030): '7BIT', '8BITMIME', 'BINARYMIME'") \
    COLUMN(R, text, parameters, "all parameters of MAIL as written: SIZE=, BODY=, SMTPUTF8, AUTH=, RET=, ENVID=, REQUIRETLS, ...")

#define SMTP_RECIPIENT(COLUMN, LATER, R) \
    COLUMN(R, integer, mail_id, "smtp_mails.mail_id") \
    COLUMN(R, text, address, "as written between < and >") \
    COLUMN(R, boolean, accepted, "1 where the server accepted it, 0 where it refused; NULL where its reply was not seen") \
    COLUMN(R, integer, reply_code, "code of that reply") \
    COLUMN(R, text, reply, "text of that reply, lines joined by LF") \
    COLUMN(R, text, parameters, "parameters of RCPT as written: NOTIFY=, ORCPT=, ...") \
    COLUMN(R, integer, delivery_code, "code of the reply behind the message: in SMTP one for all, in LMTP its own; NULL where none was seen") \
    COLUMN(R, text, delivery_reply, "LMTP: text of that reply; in SMTP it is smtp_mails.reply")

#define SMTP_URL(COLUMN, LATER, R) \
    COLUMN(R, integer, mail_id, "the mail that shows it: smtp_mails.mail_id") \
    COLUMN(R, text, url, "an http, https or ftp URL, from a text as far as mail programs underline it, from HTML what a link, picture, form or style " \
                         "names; encodings removed; once a mail") \
    COLUMN(R, text, host, "its host in lower case, without user and port") \
    COLUMN(R, integer, file_id, "the body or attachment that shows it first: files.file_id") \
    COLUMN(R, text, shown_host, "HTML: the host that the link shows as its text, where that is not the host's site; a finding 'mail_link_mismatch'")

RECORD_STRUCT(smtp_session, SMTP_SESSION);
RECORD_STRUCT(smtp_mail_row, SMTP_MAIL);
RECORD_STRUCT(smtp_recipient, SMTP_RECIPIENT);
RECORD_STRUCT(smtp_url, SMTP_URL);

extern const struct record_table smtp_session_table;
extern const struct record_table smtp_mail_table;
extern const struct record_table smtp_recipient_table;
extern const struct record_table smtp_url_table;

#endif

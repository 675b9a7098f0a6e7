/* test_smtp.c - dissectors/smtp*.c, sasl*.c: what recorded sessions do not show. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#define SESSION(COLUMN) dialogue_value("smtp_session", 0, COLUMN)
#define MAIL(ROW, COLUMN) dialogue_value("smtp_mail", ROW, COLUMN)
#define RECIPIENT(ROW, COLUMN) dialogue_value("smtp_recipient", ROW, COLUMN)
#define FINDING(ROW, COLUMN) dialogue_value("finding", ROW, COLUMN)

/* Greeting and EHLO. */
#define BEGIN(EXTENSIONS) \
    SERVER("220 mail.example.test ESMTP\r\n"), CLIENT("EHLO client.example.test\r\n"), SERVER("250-mail.example.test\r\n" EXTENSIONS "250 HELP\r\n")
/* A mail that is sent and taken. */
#define ENVELOPE CLIENT("MAIL FROM:<a@a.test>\r\n"), SERVER("250 ok\r\n"), CLIENT("RCPT TO:<b@b.test>\r\n"), SERVER("250 ok\r\n")
#define SEND_MAIL ENVELOPE, CLIENT("DATA\r\n"), SERVER("354 go\r\n"), CLIENT("Subject: s\r\n\r\nx\r\n.\r\n"), SERVER("250 queued\r\n")

/* The first finding of that name. */
static const char *finding(const char *name, const char *column)
{
    for (size_t i = 0; i < dialogue_rows("finding"); i++) {
        if (strcmp(FINDING(i, "name"), name) == 0)
            return FINDING(i, column);
    }
    return "(no finding)";
}

/* ---- transactions ---- */

UNIT_TEST(smtp_parameters_of_the_envelope)
{
    const struct step steps[] = {
        BEGIN("250-SIZE 1000000\r\n"),
        CLIENT("MAIL FROM:<a@a.test> SIZE=1234 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By AUTH=<>\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("RCPT TO:<b@b.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@b.test\r\n"),
        SERVER("250-2.1.5 ok\r\n250 2.1.5 really\r\n"),
        CLIENT("RCPT TO:<c@b.test>\r\n"),
        SERVER("550 5.1.1 nobody\r\n"),
        CLIENT("DATA\r\n"),
        SERVER("354 go\r\n"),
        CLIENT("x\r\n.\r\n"),
        SERVER("250 queued\r\n"),
    };

    PLAY(25, steps);
    CHECK_TEXT(MAIL(0, "mail_from"), "a@a.test");
    CHECK_TEXT(MAIL(0, "declared_size"), "1234");
    CHECK_TEXT(MAIL(0, "body_type"), "8BITMIME");
    CHECK_TEXT(MAIL(0, "parameters"), "SIZE=1234 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By AUTH=<>");
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK_TEXT(MAIL(0, "reply"), "queued");
    CHECK_TEXT(RECIPIENT(0, "parameters"), "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@b.test");
    CHECK_TEXT(RECIPIENT(0, "accepted"), "1");
    CHECK_TEXT(RECIPIENT(0, "delivery_code"), "250");
    CHECK_TEXT(RECIPIENT(1, "accepted"), "0");
    CHECK_TEXT(RECIPIENT(1, "reply_code"), "550");
    CHECK_TEXT(RECIPIENT(1, "reply"), "5.1.1 nobody");
    CHECK_TEXT(RECIPIENT(1, "delivery_code"), "");
    CHECK_TEXT(RECIPIENT(1, "parameters"), "");
}

UNIT_TEST(smtp_refused_ehlo_resets_nothing)
{
    const struct step steps[] = {
        BEGIN(""),
        ENVELOPE,
        CLIENT("EHLO again\r\n"),
        SERVER("501 no\r\n"),
        CLIENT("DATA\r\n"),
        SERVER("354 go\r\n"),
        CLIENT("x\r\n.\r\n"),
        SERVER("250 queued\r\n"),
    };

    PLAY(25, steps);
    CHECK(dialogue_rows("smtp_mail") == 1);
    CHECK_TEXT(SESSION("helo"), "client.example.test");
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK_TEXT(MAIL(0, "recipients"), "b@b.test");
}

UNIT_TEST(smtp_accepted_helo_resets)
{
    const struct step steps[] = {BEGIN(""), ENVELOPE, CLIENT("HELO again\r\n"), SERVER("250 hello\r\n"), CLIENT("DATA\r\n"), SERVER("503 no\r\n")};

    PLAY(25, steps);
    CHECK(dialogue_rows("smtp_mail") == 1);
    CHECK_TEXT(SESSION("helo"), "again");
    CHECK_TEXT(MAIL(0, "outcome"), "aborted");
    CHECK_TEXT(MAIL(0, "transfer"), "");
}

UNIT_TEST(smtp_commands_out_of_order_make_no_mail)
{
    const struct step steps[] = {
        BEGIN(""), CLIENT("RCPT TO:<b@b.test>\r\n"), SERVER("503 MAIL first\r\n"), CLIENT("DATA\r\n"), SERVER("503 MAIL first\r\n"), CLIENT("RSET\r\n"),
        SERVER("250 ok\r\n"), SEND_MAIL, CLIENT("RSET\r\nQUIT\r\n"), SERVER("250 ok\r\n221 bye\r\n"),
    };

    PLAY(25, steps);
    CHECK(dialogue_rows("smtp_mail") == 1);
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK_TEXT(SESSION("mails"), "1");
    CHECK_TEXT(SESSION("last_reply"), "221 bye");
}

UNIT_TEST(smtp_mail_within_a_mail_is_refused)
{
    const struct step steps[] = {
        BEGIN(""),
        CLIENT("MAIL FROM:<a@a.test>\r\nMAIL FROM:<other@a.test>\r\nRCPT TO:<b@b.test>\r\nDATA\r\n"),
        SERVER("250 ok\r\n503 nested\r\n250 ok\r\n354 go\r\n"),
        CLIENT("x\r\n.\r\n"),
        SERVER("250 queued\r\n"),
    };

    PLAY(25, steps);
    CHECK(dialogue_rows("smtp_mail") == 1);
    CHECK_TEXT(MAIL(0, "mail_from"), "a@a.test");
    CHECK_TEXT(MAIL(0, "recipients"), "b@b.test");
}

UNIT_TEST(smtp_refused_data_leaves_the_envelope)
{
    const struct step steps[] = {
        BEGIN(""), ENVELOPE, CLIENT("DATA\r\n"), SERVER("451 later\r\n"), CLIENT("DATA\r\n"), SERVER("354 go\r\n"), CLIENT("x\r\n.\r\n"), SERVER("250 queued\r\n"),
    };

    PLAY(25, steps);
    CHECK(dialogue_rows("smtp_mail") == 1);
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK_TEXT(MAIL(0, "reply_code"), "250");
    CHECK_TEXT(MAIL(0, "size"), "3");
}

UNIT_TEST(smtp_closing_server_decides_the_mail)
{
    const struct step steps[] = {BEGIN(""), ENVELOPE, SERVER("421 4.4.2 timeout exceeded\r\n")};

    PLAY(25, steps);
    CHECK_TEXT(MAIL(0, "outcome"), "aborted");
    CHECK_TEXT(MAIL(0, "reply_code"), "421");
    CHECK_TEXT(MAIL(0, "reply"), "4.4.2 timeout exceeded");
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(smtp_refusing_greeting)
{
    const struct step steps[] = {SERVER("554-no service\r\n554 for you, ESMTP or not\r\n"), CLIENT("QUIT\r\n"), SERVER("221 bye\r\n")};

    PLAY(25, steps);
    CHECK_TEXT(SESSION("banner"), "no service\\nfor you, ESMTP or not");
    CHECK_TEXT(SESSION("last_reply"), "221 bye");
}

UNIT_TEST(smtp_last_line_decides_a_reply)
{
    const struct step steps[] = {
        BEGIN(""), CLIENT("MAIL FROM:<a@a.test>\r\n"), SERVER("250-well\r\n550 no\r\n"), CLIENT("NOOP\r\n"), SERVER("250\r\n"),
    };

    PLAY(25, steps);
    CHECK_TEXT(MAIL(0, "outcome"), "rejected");
    CHECK_TEXT(MAIL(0, "reply_code"), "550");
    CHECK_TEXT(SESSION("last_reply"), "250");
    CHECK_TEXT(FINDING(0, "name"), "smtp_reply_codes");
}

UNIT_TEST(smtp_reply_without_its_last_line)
{
    const struct step steps[] = {
        SERVER("220 mail.example.test ESMTP\r\n"), CLIENT("EHLO client\r\n"), SERVER("250-mail.example.test\r\n"), CLIENT("AUTH LOGIN\r\n"),
        SERVER("334 VXNlcm5hbWU6\r\n"), CLIENT("YWxpY2U=\r\n"), SERVER("334 UGFzc3dvcmQ6\r\n"), CLIENT("czNjcmV0\r\n"), SERVER("235 ok\r\n"), SEND_MAIL,
    };

    PLAY(25, steps);
    CHECK_TEXT(SESSION("auth_user"), "alice");
    CHECK_TEXT(SESSION("auth_result"), "success");
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK(dialogue_rows("finding") == 1);
}

/* The greeting never ends, and takes the reply to EHLO with it. */
UNIT_TEST(smtp_reply_lost_in_a_long_line)
{
    static char greeting[5000];
    const struct step steps[] = {
        SERVER("220 mail.example.test ESMTP "), SAYS_BYTES(FROM_SERVER, greeting, sizeof greeting), CLIENT("EHLO client\r\n"), SERVER("250 hello\r\n"),
        CLIENT("AUTH LOGIN\r\n"), SERVER("334 VXNlcm5hbWU6\r\n"), CLIENT("YWxpY2U=\r\n"), SERVER("334 UGFzc3dvcmQ6\r\n"), CLIENT("czNjcmV0\r\n"),
        SERVER("235 ok\r\n"), SEND_MAIL, CLIENT("QUIT\r\n"), SERVER("221 bye\r\n"),
    };

    memset(greeting, 'A', sizeof greeting);
    PLAY(25, steps);
    CHECK_TEXT(SESSION("auth_user"), "alice");
    CHECK_TEXT(SESSION("auth_result"), "success");
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK_TEXT(RECIPIENT(0, "reply_code"), "250");
    CHECK_TEXT(finding("smtp_line_too_long", "severity"), "notice");
}

UNIT_TEST(smtp_early_talkers)
{
    const struct step steps[] = {CLIENT("EHLO early.example.test\r\n"), SERVER("220 mail.example.test ESMTP\r\n250 hello\r\n"), SERVER("250 unasked\r\n"), SEND_MAIL};

    PLAY(25, steps);
    CHECK_TEXT(FINDING(0, "name"), "smtp_early_talker");
    CHECK_TEXT(FINDING(1, "name"), "smtp_unasked_reply");
    CHECK_TEXT(SESSION("helo"), "early.example.test");
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
}

UNIT_TEST(smtp_client_alone)
{
    const struct step steps[] = {CLIENT("EHLO alone\r\n"), CLIENT("MAIL FROM:<a@a.test>\r\n"), CLIENT("RCPT TO:<b@b.test>\r\n"), CLIENT("DATA\r\n"),
                                        CLIENT("Subject: alone\r\n\r\nx\r\n.\r\n"), CLIENT("QUIT\r\n")};

    dialogue_play(&(struct dialogue){.server_port = 25, .lacks_start = {false, true}, .steps = steps, .count = sizeof steps / sizeof steps[0]});
    CHECK_TEXT(MAIL(0, "mail_from"), "a@a.test");
    CHECK_TEXT(MAIL(0, "outcome"), "unknown");
    CHECK_TEXT(MAIL(0, "subject"), "alone");
    CHECK_TEXT(RECIPIENT(0, "address"), "b@b.test");
    CHECK_TEXT(RECIPIENT(0, "accepted"), "");
}

/* ---- BDAT ---- */

UNIT_TEST(smtp_refused_chunk_does_not_lose_the_next_ones)
{
    const struct step steps[] = {
        BEGIN("250-CHUNKING\r\n"),
        ENVELOPE,
        CLIENT("BDAT 6\r\nabcd\r\nBDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\nRSET\r\n"),
        SERVER("552 too much\r\n503 no\r\n503 no\r\n250 ok\r\n"),
        SEND_MAIL,
    };

    PLAY(25, steps);
    CHECK(dialogue_rows("smtp_mail") == 2);
    CHECK_TEXT(MAIL(0, "outcome"), "rejected");
    CHECK_TEXT(MAIL(0, "reply_code"), "552");
    CHECK_TEXT(MAIL(0, "size"), "12");
    CHECK_TEXT(MAIL(0, "transfer"), "bdat");
    CHECK_TEXT(MAIL(1, "outcome"), "delivered");
}

UNIT_TEST(smtp_reset_between_chunks)
{
    const struct step steps[] = {
        BEGIN("250-CHUNKING\r\n"), ENVELOPE, CLIENT("BDAT 4\r\nab\r\n"), SERVER("250 4 octets\r\n"), CLIENT("RSET\r\n"), SERVER("250 ok\r\n"), ENVELOPE,
        CLIENT("BDAT 4\r\ncd\r\nBDAT 0 LAST\r\n"), SERVER("250 4 octets\r\n250 taken\r\n"),
    };

    PLAY(25, steps);
    CHECK(dialogue_rows("smtp_mail") == 2);
    CHECK_TEXT(MAIL(0, "outcome"), "aborted");
    CHECK_TEXT(MAIL(1, "outcome"), "delivered");
    CHECK_TEXT(MAIL(1, "size"), "4");
}

UNIT_TEST(smtp_chunk_sizes_that_are_none)
{
    const struct step steps[] = {
        BEGIN("250-CHUNKING\r\n"), ENVELOPE, CLIENT("BDAT -1\r\n"), SERVER("501 no\r\n"), CLIENT("BDAT 99999999999999999999 LAST\r\n"), SERVER("501 no\r\n"),
        CLIENT("BDAT\r\n"), SERVER("501 no\r\n"), CLIENT("BDAT 5 X\r\n"), SERVER("501 no\r\n"), CLIENT("BDAT 2 LAST\r\nhi"), SERVER("250 taken\r\n"),
    };

    PLAY(25, steps);
    CHECK(dialogue_rows("smtp_mail") == 1);
    CHECK_TEXT(MAIL(0, "size"), "2");
}

UNIT_TEST(smtp_gap_inside_a_chunk)
{
    const struct step steps[] = {
        BEGIN("250-CHUNKING\r\n"), ENVELOPE, CLIENT("BDAT 100 LAST\r\nSubject: s\r\n\r\n"), MISSES(FROM_CLIENT, 80), CLIENT("123456"), SERVER("250 taken\r\n"), SEND_MAIL,
    };

    PLAY(25, steps);
    CHECK_TEXT(MAIL(0, "size"), "100");
    CHECK_TEXT(MAIL(0, "missing"), "80");
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK_TEXT(MAIL(1, "outcome"), "delivered");
    CHECK_TEXT(MAIL(1, "missing"), "0");
}

UNIT_TEST(smtp_fetched_part)
{
    const struct step steps[] = {
        BEGIN("250-BURL imap\r\n"), ENVELOPE, CLIENT("BDAT 4\r\nab\r\nBURL imap://u@h/INBOX/;uid=1;urlauth=submit+u:internal:f LAST\r\n"),
        SERVER("250 4 octets\r\n250 taken\r\n"),
    };

    PLAY(587, steps);
    CHECK(dialogue_rows("smtp_mail") == 1);
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK_TEXT(MAIL(0, "size"), "");
}

/* ---- LMTP ---- */

#define LMTP_BEGIN SERVER("220 LMTP ready\r\n"), CLIENT("LHLO client\r\n"), SERVER("250-mail\r\n250 CHUNKING\r\n")
#define LMTP_ENVELOPE \
    CLIENT("MAIL FROM:<a@a.test>\r\nRCPT TO:<one@b.test>\r\nRCPT TO:<no@b.test>\r\nRCPT TO:<two@b.test>\r\nRCPT TO:<three@b.test>\r\n"), \
        SERVER("250 ok\r\n250 ok\r\n550 nobody\r\n250 ok\r\n250 ok\r\n")

static void check_lmtp(void)
{
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK_TEXT(MAIL(0, "reply"), "two has it");
    CHECK_TEXT(MAIL(0, "recipients"), "two@b.test, three@b.test");
    CHECK_TEXT(MAIL(0, "rejected_recipients"), "one@b.test, no@b.test");
    CHECK_TEXT(RECIPIENT(0, "delivery_code"), "452");
    CHECK_TEXT(RECIPIENT(0, "accepted"), "1");
    CHECK_TEXT(RECIPIENT(0, "delivery_reply"), "one is full");
    CHECK_TEXT(RECIPIENT(1, "delivery_code"), "");
    CHECK_TEXT(RECIPIENT(2, "delivery_code"), "250");
    CHECK_TEXT(RECIPIENT(3, "delivery_code"), "251");
    CHECK_TEXT(SESSION("last_reply"), "221 bye");
}

UNIT_TEST(smtp_lmtp_answers_for_each_recipient)
{
    const struct step steps[] = {
        LMTP_BEGIN, LMTP_ENVELOPE, CLIENT("DATA\r\n"), SERVER("354 go\r\n"), CLIENT("x\r\n.\r\nQUIT\r\n"),
        SERVER("452 one is full\r\n250 two has it\r\n251 three too\r\n221 bye\r\n"),
    };

    PLAY(24, steps);
    check_lmtp();
}

UNIT_TEST(smtp_lmtp_answers_a_last_chunk_for_each_recipient)
{
    const struct step steps[] = {
        LMTP_BEGIN, LMTP_ENVELOPE, CLIENT("BDAT 3\r\nx\r\nBDAT 0 LAST\r\nQUIT\r\n"),
        SERVER("250 3 octets\r\n452 one is full\r\n250 two has it\r\n251 three too\r\n221 bye\r\n"),
    };

    PLAY(24, steps);
    check_lmtp();
}

UNIT_TEST(smtp_lmtp_refused_for_all)
{
    const struct step steps[] = {
        LMTP_BEGIN, CLIENT("MAIL FROM:<>\r\nRCPT TO:<one@b.test>\r\nRCPT TO:<two@b.test>\r\nDATA\r\n"), SERVER("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        CLIENT("x\r\n.\r\n"), SERVER("550 one no\r\n554 two no\r\n"),
    };

    PLAY(24, steps);
    CHECK_TEXT(MAIL(0, "outcome"), "rejected");
    CHECK_TEXT(MAIL(0, "reply_code"), "554");
    CHECK_TEXT(MAIL(0, "rejected_recipients"), "one@b.test, two@b.test");
}

/* ---- STARTTLS ---- */

#define CLIENT_HELLO CLIENT("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")

UNIT_TEST(smtp_starttls_is_believed_at_220)
{
    const struct step steps[] = {BEGIN("250-STARTTLS\r\n"), ENVELOPE, CLIENT("STARTTLS\r\n"), SERVER("220 go ahead\r\n"), CLIENT_HELLO};

    PLAY(25, steps);
    CHECK_TEXT(SESSION("encryption"), "starttls");
    CHECK_TEXT(MAIL(0, "outcome"), "aborted");
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK(dialogue_rows("finding") == 1); /* the mail before it was on its way without TLS */
}

UNIT_TEST(smtp_goes_on_behind_refused_starttls)
{
    const struct step steps[] = {BEGIN("250-STARTTLS\r\n"), CLIENT("STARTTLS\r\n"), SERVER("502 unknown\r\n"), SEND_MAIL};

    PLAY(25, steps);
    CHECK_TEXT(SESSION("encryption"), "none");
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "name"), "smtp_starttls_stripped");
    CHECK_TEXT(FINDING(0, "severity"), "warning");
}

UNIT_TEST(smtp_masked_starttls)
{
    const struct step steps[] = {BEGIN("250-PIPELINING\r\n250-XXXXXXXA\r\n"), SEND_MAIL};

    PLAY(25, steps);
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "name"), "smtp_starttls_stripped");
}

UNIT_TEST(smtp_starttls_left_unused)
{
    const struct step steps[] = {BEGIN("250-STARTTLS\r\n"), SEND_MAIL, SEND_MAIL};

    PLAY(25, steps);
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "name"), "smtp_starttls_unused");
    CHECK_TEXT(FINDING(0, "severity"), "info");
}

UNIT_TEST(smtp_command_injected_behind_starttls)
{
    const struct step steps[] = {BEGIN("250-STARTTLS\r\n"), CLIENT("STARTTLS\r\nAUTH PLAIN AGEAc2VjcmV0\r\nRSET\r\n"), SERVER("220 go ahead\r\n"), CLIENT_HELLO};

    PLAY(25, steps);
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "name"), "smtp_starttls_injection");
    CHECK_TEXT(FINDING(0, "severity"), "alarm");
    CHECK_TEXT(FINDING(0, "detail"), "the client sends AUTH behind STARTTLS, before TLS begins");
    CHECK_TEXT(SESSION("encryption"), "starttls");
    CHECK_TEXT(SESSION("auth_mechanism"), "");
    CHECK_TEXT(dialogue_protocol(), "tls");
}

UNIT_TEST(smtp_reply_injected_behind_starttls)
{
    const struct step steps[] = {BEGIN("250-STARTTLS\r\n"), CLIENT("STARTTLS\r\n"), SERVER("220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n"), CLIENT_HELLO};

    PLAY(25, steps);
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "name"), "smtp_starttls_injection");
    CHECK_TEXT(dialogue_protocol(), "tls");
}

UNIT_TEST(smtp_late_reply_behind_starttls_is_no_injection)
{
    const struct step steps[] = {BEGIN("250-STARTTLS\r\n"), CLIENT("STARTTLS\r\n"), SERVER("220 go ahead\r\n"), SERVER("421 timeout\r\n")};

    PLAY(25, steps);
    CHECK(dialogue_rows("finding") == 0);
    CHECK_TEXT(SESSION("last_reply"), "421 timeout");
}

/* ---- AUTH ---- */

UNIT_TEST(smtp_auth_plain)
{
    const struct step steps[] = {BEGIN("250-AUTH PLAIN\r\n"), CLIENT("auth plain Ym9zcwBhbGljZQBzM2NyZXQ=\r\n"), SERVER("235 ok\r\n"), SEND_MAIL};

    PLAY(587, steps);
    CHECK_TEXT(SESSION("auth_mechanism"), "PLAIN");
    CHECK_TEXT(SESSION("auth_user"), "alice");
    CHECK_TEXT(SESSION("auth_identity"), "boss");
    CHECK_TEXT(SESSION("auth_result"), "success");
    CHECK_TEXT(SESSION("auth_attempts"), "1");
    CHECK_TEXT(SESSION("auth_password"), "");
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "name"), "plaintext_credentials");
    CHECK_TEXT(FINDING(0, "severity"), "warning");
}

UNIT_TEST(smtp_auth_login_asks_first_for_the_password)
{
    const struct step steps[] = {
        BEGIN("250-AUTH LOGIN\r\n"), CLIENT("AUTH LOGIN\r\n"), SERVER("334 UGFzc3dvcmQ6\r\n"), CLIENT("czNjcmV0\r\n"), SERVER("334 VXNlcm5hbWU6\r\n"),
        CLIENT("YWxpY2U=\r\n"), SERVER("535 no\r\n"),
    };

    PLAY(587, steps);
    CHECK_TEXT(SESSION("auth_user"), "alice");
    CHECK_TEXT(SESSION("auth_result"), "failure");
}

UNIT_TEST(smtp_auth_login_with_initial_response)
{
    const struct step steps[] = {BEGIN("250-AUTH LOGIN\r\n"), CLIENT("AUTH LOGIN YWxpY2U=\r\n"), SERVER("334 UGFzc3dvcmQ6\r\n"), CLIENT("UVVJVA==\r\n"),
                                        SERVER("235 ok\r\n")};

    PLAY(587, steps);
    CHECK_TEXT(SESSION("auth_user"), "alice");
    CHECK_TEXT(SESSION("auth_result"), "success");
    CHECK_TEXT(FINDING(0, "name"), "plaintext_credentials");
}

/* One exchange: the response to the server's empty challenge. */
#define EXCHANGE(MECHANISM, RESPONSE) \
    { \
        BEGIN("250-AUTH " MECHANISM "\r\n"), CLIENT("AUTH " MECHANISM "\r\n"), SERVER("334 \r\n"), CLIENT(RESPONSE "\r\n"), SERVER("235 ok\r\n") \
    }

UNIT_TEST(smtp_auth_mechanisms_that_show_the_user)
{
    const struct {
        struct step steps[7];
        const char *mechanism;
        const char *user;
        bool is_plaintext;
    } exchanges[] = {
        {EXCHANGE("CRAM-MD5", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"), "CRAM-MD5", "tim", false},
        {EXCHANGE("SCRAM-SHA-256", "bixhPWFkbWluLG49dT0yQ3NlcixyPXg="), "SCRAM-SHA-256", "u,ser", false},
        {EXCHANGE("SCRAM-SHA-1-PLUS", "cD10bHMtdW5pcXVlLCxuPWNocmlzLHI9eA=="), "SCRAM-SHA-1-PLUS", "chris", false},
        {EXCHANGE("XOAUTH2", "dXNlcj1hQGIudGVzdAFhdXRoPUJlYXJlciB0b2tlbgEB"), "XOAUTH2", "a@b.test", true},
        {EXCHANGE("OAUTHBEARER", "bixhPWFAYi50ZXN0LAFob3N0PWgBYXV0aD1CZWFyZXIgdG9rZW4BAQ=="), "OAUTHBEARER", "a@b.test", true},
        {EXCHANGE("EXTERNAL", "Ym9i"), "EXTERNAL", "bob", false},
        {EXCHANGE("EXTERNAL", "="), "EXTERNAL", "", false},
        {EXCHANGE("GSSAPI", "YIIFBg=="), "GSSAPI", "", false},
        {EXCHANGE("DIGEST-MD5", "dXNlcm5hbWU9ImFcImxpY2UiLHJlYWxtPSJyLnRlc3QiLG5vbmNlPSJ4PSwiLHJlc3BvbnNlPTAw"), "DIGEST-MD5", "a\"lice", false},
    };

    for (size_t i = 0; i < sizeof exchanges / sizeof exchanges[0]; i++) {
        PLAY(587, exchanges[i].steps);
        CHECK_TEXT(SESSION("auth_mechanism"), exchanges[i].mechanism);
        CHECK_TEXT(SESSION("auth_user"), exchanges[i].user);
        CHECK_TEXT(SESSION("auth_result"), "success");
        CHECK(dialogue_rows("finding") == (exchanges[i].is_plaintext ? 1 : 0));
    }
    CHECK_TEXT(SESSION("auth_domain"), "r.test");
}

UNIT_TEST(smtp_auth_ntlm)
{
    /* type 1, type 2, type 3: domain DOM, user bób in UTF-16, workstation WS1 */
    const struct step steps[] = {
        BEGIN("250-AUTH NTLM\r\n"), CLIENT("AUTH NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA=\r\n"), SERVER("334 TlRMTVNTUAACAAAA\r\n"),
        CLIENT("TlRMTVNTUAADAAAAAAAAAFIAAAAAAAAAUgAAAAYABgBAAAAABgAGAEYAAAAGAAYATAAAAAAAAABSAAAAAQAAAEQATwBNAGIA8wBiAFcAUwAxAA==\r\n"), SERVER("235 ok\r\n"),
    };

    PLAY(25, steps);
    CHECK_TEXT(SESSION("auth_user"), "b\xc3\xb3" "b");
    CHECK_TEXT(SESSION("auth_domain"), "DOM");
    CHECK_TEXT(SESSION("auth_workstation"), "WS1");
}

UNIT_TEST(smtp_auth_cancelled_and_tried_again)
{
    const struct step steps[] = {
        BEGIN("250-AUTH PLAIN LOGIN\r\n"), CLIENT("AUTH LOGIN\r\n"), SERVER("334 VXNlcm5hbWU6\r\n"), CLIENT("*\r\n"), SERVER("501 cancelled\r\n"),
        CLIENT("AUTH PLAIN\r\n"), SERVER("334 \r\n"), CLIENT("AGJvYgBzM2NyZXQ=\r\n"), SERVER("235 ok\r\n"), CLIENT("AUTH PLAIN AGV2ZQBzM2NyZXQ=\r\n"),
        SERVER("503 already\r\n"), SEND_MAIL,
    };

    PLAY(587, steps);
    CHECK_TEXT(SESSION("auth_attempts"), "2");
    CHECK_TEXT(SESSION("auth_user"), "bob");
    CHECK_TEXT(SESSION("auth_result"), "success");
    CHECK_TEXT(MAIL(0, "outcome"), "delivered");
}

/* Nothing of a login may turn up in a row, whatever the server repeats of it. */
UNIT_TEST(smtp_logins_are_never_repeated)
{
    const struct step steps[] = {
        BEGIN("250-AUTH PLAIN LOGIN\r\n"), CLIENT("AUTH PLAIN AGFsaWNlAHMzY3JldA==\r\n"), SERVER("535 not AGFsaWNlAHMzY3JldA==, and s3cret is no password\r\n"),
    };
    const struct step refused[] = {
        BEGIN(""), CLIENT("AUTH c3dvcmRmaXNo\r\n"), SERVER("504 unknown mechanism c3dvcmRmaXNo\r\n"), CLIENT("YWxpY2VwYXNzd29yZA==\r\n"),
        SERVER("500 unknown command: \"YWxpY2VwYXNzd29yZA==\"\r\n"),
    };

    PLAY(587, steps);
    CHECK_TEXT(SESSION("last_reply"), "535 not ***, and *** is no password");
    CHECK_TEXT(SESSION("auth_password"), "");
    PLAY(587, refused);
    CHECK_TEXT(SESSION("last_reply"), "500 unknown command: \"***\"");
    CHECK_TEXT(SESSION("auth_mechanism"), "");
}

UNIT_TEST(smtp_brute_force)
{
#define REFUSED_LOGIN CLIENT("AUTH PLAIN AGFsaWNlAHMzY3JldA==\r\n"), SERVER("535 no\r\n")
    const struct step four[] = {BEGIN(""), REFUSED_LOGIN, REFUSED_LOGIN, REFUSED_LOGIN, REFUSED_LOGIN};
    const struct step six[] = {BEGIN(""), REFUSED_LOGIN, REFUSED_LOGIN, REFUSED_LOGIN, REFUSED_LOGIN, REFUSED_LOGIN, REFUSED_LOGIN};

    PLAY(587, four);
    CHECK(dialogue_rows("finding") == 1);
    PLAY(587, six);
    CHECK(dialogue_rows("finding") == 2);
    CHECK_TEXT(FINDING(1, "name"), "smtp_brute_force");
    CHECK_TEXT(SESSION("auth_attempts"), "6");
}

/* ---- searches and relays ---- */

#define REFUSED_ADDRESS CLIENT("RCPT TO:<nobody@b.test>\r\n"), SERVER("550 5.1.1 unknown\r\n")
#define REFUSED_THREE REFUSED_ADDRESS, REFUSED_ADDRESS, REFUSED_ADDRESS

UNIT_TEST(smtp_harvesting)
{
    const struct step nine[] = {BEGIN(""), CLIENT("MAIL FROM:<a@a.test>\r\n"), SERVER("250 ok\r\n"), REFUSED_THREE, REFUSED_THREE, REFUSED_THREE};
    const struct step ten[] = {BEGIN(""),     CLIENT("MAIL FROM:<a@a.test>\r\n"), SERVER("250 ok\r\n"),  REFUSED_THREE, REFUSED_THREE,
                                      REFUSED_THREE, CLIENT("VRFY root\r\n"),            SERVER("252 maybe\r\n")};

    PLAY(25, nine);
    CHECK(dialogue_rows("finding") == 0);
    PLAY(25, ten);
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "name"), "smtp_harvesting");
}

UNIT_TEST(smtp_relaying)
{
    const struct step refused[] = {BEGIN(""), CLIENT("MAIL FROM:<a@a.test>\r\n"), SERVER("250 ok\r\n"), CLIENT("RCPT TO:<b@b.test>\r\n"),
                                          SERVER("554 5.7.1 Relay access denied\r\n")};
    const struct step taken[] = {BEGIN(""), CLIENT("MAIL FROM:<a@a.test>\r\n"), SERVER("250 ok\r\n"), CLIENT("RCPT TO:<b%c.test@mail.example.test>\r\n"),
                                        SERVER("250 ok\r\n")};
    const struct step harmless[] = {BEGIN(""), CLIENT("MAIL FROM:<a@a.test>\r\n"), SERVER("250 ok\r\n"), CLIENT("RCPT TO:<100%!wool@b.test>\r\n"),
                                           SERVER("250 ok\r\n")};

    PLAY(25, refused);
    CHECK_TEXT(FINDING(0, "name"), "smtp_relay_test");
    PLAY(25, taken);
    CHECK_TEXT(FINDING(0, "name"), "smtp_open_relay");
    CHECK_TEXT(FINDING(0, "severity"), "warning");
    PLAY(25, harmless);
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(smtp_forwarded_client)
{
    const struct step steps[] = {
        BEGIN("250-XCLIENT NAME ADDR\r\n"), ENVELOPE, CLIENT("XCLIENT NAME=spike.example.test ADDR=192.0.2.7\r\n"), SERVER("220 mail.example.test ESMTP\r\n"),
        CLIENT("EHLO spike.example.test\r\n"), SERVER("250 ok\r\n"), SEND_MAIL,
    };

    PLAY(25, steps);
    CHECK_TEXT(SESSION("forwarded"), "NAME=spike.example.test ADDR=192.0.2.7");
    CHECK_TEXT(SESSION("banner"), "mail.example.test ESMTP");
    CHECK_TEXT(MAIL(0, "outcome"), "aborted");
    CHECK_TEXT(MAIL(1, "outcome"), "delivered");
}

UNIT_TEST(smtp_changed_parts)
{
    const struct step steps[] = {BEGIN(""), CLIENT("TURN\r\n"), SERVER("250 ok\r\n"), CLIENT("220 now I am the server\r\n"), SERVER("EHLO x\r\n")};

    PLAY(25, steps);
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "name"), "smtp_turn");
    CHECK_TEXT(SESSION("helo"), "client.example.test");
}

/* ---- smuggling ---- */

#define MESSAGE(TEXT) BEGIN(""), ENVELOPE, CLIENT("DATA\r\n"), SERVER("354 go\r\n"), CLIENT(TEXT), SERVER("250 queued\r\n")

UNIT_TEST(smtp_smuggled_commands)
{
#define SMUGGLED "MAIL FROM:<x@a.test>\r\nRCPT TO:<y@b.test>\r\nDATA\r\nhi\r\n.\r\n"
    const struct {
        struct step steps[11];
        const char *end;
    } messages[] = {
        {{MESSAGE("a\n.\n" SMUGGLED)}, "<LF>.<LF>"},
        {{MESSAGE("a\n.\r\n" SMUGGLED)}, "<LF>.<CR><LF>"},
        {{MESSAGE("a\r.\r" SMUGGLED)}, "<CR>.<CR>"},
        {{MESSAGE("a\r.\r\n" SMUGGLED)}, "<CR>.<CR><LF>"},
        {{MESSAGE("a\r\n.\r" SMUGGLED)}, "<CR><LF>.<CR>"},
        {{MESSAGE("a\r\n.\n" SMUGGLED)}, "<CR><LF>.<LF>"},
        {{MESSAGE("a\r\n\0.\r\n" SMUGGLED)}, "<CR><LF><NUL>.<CR><LF>"},
        {{MESSAGE(".\n" SMUGGLED)}, "<CR><LF>.<LF>"},
    };

    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        PLAY(25, messages[i].steps);
        CHECK(dialogue_rows("smtp_mail") == 1);
        CHECK_TEXT(finding("smtp_smuggling", "severity"), "alarm");
        CHECK(strstr(finding("smtp_smuggling", "detail"), messages[i].end) != NULL);
    }
}

UNIT_TEST(smtp_dots_that_smuggle_nothing)
{
    const struct step text[] = {MESSAGE("a\n.\nan old mailbox, quoted\r\n.\r\n")};
    const struct step binary[] = {MESSAGE("\x80\n.\n\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\r\n.\r\n")};
    const struct step ordinary[] = {MESSAGE("..\r\nMAIL FROM:<x@a.test>\r\n..\r\n.a\r\na.\r\n. \r\n...\r\n.\r\n")};

    PLAY(25, text);
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(FINDING(0, "severity"), "notice");
    PLAY(25, binary);
    CHECK(dialogue_rows("finding") == 0);
    PLAY(25, ordinary);
    CHECK(dialogue_rows("finding") == 0);
}

/* test_mime.c - the message of a mail: header fields, encodings, structure (dissectors/mail_*.c, mime_*.c). */
#include "base/text.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#define MAIL(COLUMN) dialogue_value("smtp_mail", 0, COLUMN)
#define FILE_ROW(ROW, COLUMN) dialogue_value("file", ROW, COLUMN)

/* A session with one mail whose message is `message`, dots and all; bytes are missing between it and `behind` where `gap` is not 0. */
static void play_message(struct bytes message, uint64_t gap, struct bytes behind)
{
    const struct step steps[] = {
        SERVER("220 mail.example.test ESMTP\r\n"),
        CLIENT("HELO client\r\n"),
        SERVER("250 mail.example.test\r\n"),
        CLIENT("MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n"),
        SERVER("250 ok\r\n250 ok\r\n354 go on\r\n"),
        {.from = FROM_CLIENT, .says = message},
        {.from = FROM_CLIENT, .misses = gap},
        {.from = FROM_CLIENT, .says = behind},
        CLIENT("\r\n.\r\n"),
        SERVER("250 queued\r\n"),
        CLIENT("QUIT\r\n"),
        SERVER("221 bye\r\n"),
    };

    PLAY(25, steps);
}

#define MESSAGE(LITERAL) play_message(bytes_of(LITERAL, sizeof(LITERAL) - 1), 0, bytes_of(NULL, 0))
#define BROKEN_MESSAGE(BEFORE, COUNT, BEHIND) play_message(bytes_of(BEFORE, sizeof(BEFORE) - 1), COUNT, bytes_of(BEHIND, sizeof(BEHIND) - 1))

/* sha256sum of the text in the comment */
#define SHA_HELLO "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"      /* "hello\n" */
#define SHA_HELLO_LINE "cd2eca3535741f27a8ae40c31b0c41d4057a7a7b912b33b9aed86485d1c84676" /* "hello\r\n" */
#define SHA_HELLO_BARE "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* "hello" */

UNIT_TEST(mime_header_words)
{
    MESSAGE("Subject: =?iso-8859-1?Q?caf=E9?= =?iso-8859-1?q?_au_lait?= and =?UTF-8*de?B?w7xi?= =?utf-8?B?w7xi?=\r\n"
            "From: =?utf-8?q?J=C3=B6rg?= <=?utf-8?q?x?=@example.test>\r\n"
            "To: \"=?utf-8?B?w6k=?=\" <t@example.test>,\r\n plain@example.test\r\n"
            "Cc: =?no-such-charset?q?a=E9?= =?utf-8?q?b?= =?utf-8?x?c?=\r\n"
            "User-Agent: =?utf-8?q?agent=\r\n\r\nbody");
    CHECK_TEXT(MAIL("subject"), "caf\xc3\xa9 au lait and \xc3\xbc"
                                "b\xc3\xbc"
                                "b");
    CHECK_TEXT(MAIL("header_from"), "J\xc3\xb6rg <=?utf-8?q?x?=@example.test>");
    CHECK_TEXT(MAIL("header_to"), "\"\xc3\xa9\" <t@example.test>, plain@example.test");
    CHECK_TEXT(MAIL("header_cc"), "=?no-such-charset?q?a=E9?= b =?utf-8?x?c?=");
    CHECK_TEXT(MAIL("user_agent"), "=?utf-8?q?agent=");
}

/* A character that is split over two words; ISO-2022-JP, Shift_JIS, GB2312, KOI8-R, UTF-16. */
UNIT_TEST(mime_header_charsets)
{
    MESSAGE("Subject: =?utf-8?B?5pel5g==?= =?utf-8?B?nKw=?=\r\n"
            "From: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?= <a@b.test>\r\n"
            "To: =?koi8-r?B?8NLJ18XU?=\r\n"
            "Cc: =?gb2312?B?suLK1A==?= =?shift_jis?B?k/qWew==?=\r\n"
            "Reply-To: =?utf-16be?B?AGEAYg==?=\r\n\r\n");
    CHECK_TEXT(MAIL("subject"), "\xe6\x97\xa5\xe6\x9c\xac");
    CHECK_TEXT(MAIL("header_from"), "\xe6\x97\xa5\xe6\x9c\xac <a@b.test>");
    CHECK_TEXT(MAIL("header_to"), "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82");
    CHECK_TEXT(MAIL("header_cc"), "\xe6\xb5\x8b\xe8\xaf\x95\xe6\x97\xa5\xe6\x9c\xac");
    CHECK_TEXT(MAIL("header_reply_to"), "ab");
}

UNIT_TEST(mime_without_fields_is_a_text)
{
    MESSAGE("Subject: x\r\n\r\nhello");
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(FILE_ROW(0, "sha256"), "cd2eca3535741f27a8ae40c31b0c41d4057a7a7b912b33b9aed86485d1c84676"); /* "hello\r\n" */
    CHECK_TEXT(FILE_ROW(0, "declared_type"), "");
    CHECK_TEXT(FILE_ROW(0, "name"), "");
    CHECK_TEXT(FILE_ROW(0, "size"), "7");
    CHECK_TEXT(FILE_ROW(0, "complete"), "1");
    CHECK_TEXT(FILE_ROW(0, "mail_id"), MAIL("mail_id"));
    CHECK_TEXT(MAIL("attachments"), "0");
}

UNIT_TEST(mime_empty_body_is_no_file)
{
    MESSAGE("Subject: x\r\n");
    CHECK(dialogue_rows("file") == 0);
    MESSAGE("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b\r\nContent-Disposition: attachment; filename=e\r\n\r\n--b--");
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(FILE_ROW(0, "name"), "e");
    CHECK_TEXT(FILE_ROW(0, "size"), "0");
}

UNIT_TEST(mime_encodings)
{
    MESSAGE("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npreamble\r\n--a b  \t\r\n"
            "Content-Type: TEXT/Plain; charset=utf-8\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\nhel=6C=\r\no\r\n\r\n"
            "--a b\r\nContent-Type: application/x-thing\r\nContent-Transfer-Encoding: BASE64\r\n"
            "Content-Disposition: attachment;\r\n filename=\"../../etc/pass\\\"wd\"\r\n\r\naG*Vs\r\nbG\r\n8=\r\n"
            "--a b\r\nContent-Type: application/octet-stream; name=\"C:\\dir\\file.bin\"\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
            "begin 644 other\r\n%:&5L;&\\\r\n`\r\nend\r\n"
            "--a b\r\nContent-Transfer-Encoding: binary\r\n\r\nhello\r\n--a b--\r\nepilogue\r\n--a b\r\n\r\nno part");
    CHECK(dialogue_rows("file") == 4);
    CHECK_TEXT(FILE_ROW(0, "sha256"), "cd2eca3535741f27a8ae40c31b0c41d4057a7a7b912b33b9aed86485d1c84676");
    CHECK_TEXT(FILE_ROW(0, "declared_type"), "text/plain");
    CHECK_TEXT(FILE_ROW(1, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(FILE_ROW(1, "name"), "pass\"wd");
    CHECK_TEXT(FILE_ROW(2, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(FILE_ROW(2, "name"), "file.bin");
    CHECK_TEXT(FILE_ROW(3, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(MAIL("attachments"), "2");
    CHECK_TEXT(MAIL("received_hops"), "0");
    CHECK(dialogue_rows("finding") == 0);
}

/* In LF alone; a boundary that begins as another does; an outer delimiter that closes inner multiparts. */
UNIT_TEST(mime_nesting)
{
    MESSAGE("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=bb\n\n"
            "--bb\n\nhello\n\n--bb\nContent-Type: text/html\n\nhello\n--b\nContent-Type: message/rfc822\n\n"
            "Subject: inner\nContent-Type: multipart/digest; boundary=ccc\n\n--ccc\n\nSubject: deep\n\nhello\n--ccc--\n"
            "--b\n\nhello\n--b--");
    CHECK(dialogue_rows("file") == 4);
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO);
    CHECK_TEXT(FILE_ROW(1, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(FILE_ROW(1, "declared_type"), "text/html");
    CHECK_TEXT(FILE_ROW(2, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(FILE_ROW(3, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(MAIL("subject"), "");
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "mail_mime_ambiguous");
}

UNIT_TEST(mime_missing_end)
{
    MESSAGE("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b-- not\r\n--bc\r\n-\r\n--\r\n---b");
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(FILE_ROW(0, "size"), "37");
    CHECK_TEXT(FILE_ROW(0, "complete"), "1");
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "mail_mime_ambiguous");
}

UNIT_TEST(mime_names)
{
    MESSAGE("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: a/b; name*0*=iso-8859-1'en'caf%E9; name*1=\".t\"; name*2*=%78t\r\n\r\n1\r\n"
            "--b\r\nContent-Type: a/b; name=other\r\nContent-Disposition: inline; filename=plain; filename*=UTF-8''%e2%82%ac.exe\r\n\r\n2\r\n"
            "--b\r\nContent-Disposition: attachment; filename=\"=?utf-8?q?a=20b?=\r\n =?utf-8?q?c.pdf?=\"\r\n\r\n3\r\n"
            "--b\r\nContent-Disposition: attachment; filename=two words.doc ; x=y\r\n\r\n4\r\n"
            "--b\r\nContent-Disposition: attachment; filename=\"nul\0.txt\"\r\n\r\n5\r\n"
            "--b\r\nContent-Disposition: attachment; filename=\"\"\r\n\r\n6\r\n--b--");
    CHECK(dialogue_rows("file") == 6);
    CHECK_TEXT(FILE_ROW(0, "name"), "caf\xc3\xa9.txt");
    CHECK_TEXT(FILE_ROW(1, "name"), "\xe2\x82\xac.exe");
    CHECK_TEXT(FILE_ROW(2, "name"), "a bc.pdf");
    CHECK_TEXT(FILE_ROW(3, "name"), "two words.doc");
    CHECK_TEXT(FILE_ROW(4, "name"), "nul\\x00.txt");
    CHECK_TEXT(FILE_ROW(5, "name"), "");
    CHECK_TEXT(MAIL("attachments"), "6");
}

UNIT_TEST(mime_uuencode_in_text)
{
    MESSAGE("Subject: x\r\n\r\nbegin 644 is no file\r\nbegin 755 dir/hello.txt\r\n%:&5L;&\\\r\n`\r\nend\r\nbegin 644 cut\r\n#86)C\r\nrest");
    CHECK(dialogue_rows("file") == 3);
    CHECK_TEXT(FILE_ROW(0, "name"), "hello.txt");
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(FILE_ROW(1, "name"), "cut");
    CHECK_TEXT(FILE_ROW(1, "complete"), "0");
    CHECK_TEXT(FILE_ROW(1, "sha256"), "");
    CHECK_TEXT(FILE_ROW(2, "name"), "");
    CHECK_TEXT(MAIL("attachments"), "2");
}

UNIT_TEST(mime_base64_without_padding)
{
    MESSAGE("Content-Type: application/x; name=n\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8\r\n");
    CHECK_TEXT(FILE_ROW(0, "size"), "5");
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
    MESSAGE("Content-Type: application/x; name=n\r\nContent-Transfer-Encoding: base64\r\n\r\naGV\r\nsb *A\r\n");
    CHECK_TEXT(FILE_ROW(0, "size"), "4");
    MESSAGE("Content-Type: application/x; name=n\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsb\r\n");
    CHECK_TEXT(FILE_ROW(0, "size"), "3");
}

/* The part that lost bytes has no digest; the next one is whole again. */
UNIT_TEST(mime_gap_in_part)
{
    BROKEN_MESSAGE(
        "Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/zip; name=z\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\naGVs",
        1000, "bG8=\r\n--b\r\n\r\nhello\r\n--b--");
    CHECK(dialogue_rows("file") == 3);
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(FILE_ROW(1, "name"), "z");
    CHECK_TEXT(FILE_ROW(1, "missing"), "1000");
    CHECK_TEXT(FILE_ROW(1, "size"), "");
    CHECK_TEXT(FILE_ROW(1, "complete"), "0");
    CHECK_TEXT(FILE_ROW(1, "sha256"), "");
    CHECK_TEXT(FILE_ROW(2, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(MAIL("subject"), "s");
    CHECK_TEXT(MAIL("attachments"), "");
}

UNIT_TEST(mime_gap_in_headers)
{
    BROKEN_MESSAGE("Subject: s\r\nFrom: a\r\n", 10, "To: b\r\n\r\nhello");
    CHECK_TEXT(MAIL("subject"), "s");
    CHECK_TEXT(MAIL("header_from"), "");
    CHECK_TEXT(MAIL("header_to"), "");
    CHECK(dialogue_rows("file") == 0);
    BROKEN_MESSAGE("Subject: s\r\nFrom: a\r\nTo: b", 10, "\r\n\r\nhello");
    CHECK_TEXT(MAIL("header_from"), "a");
    CHECK_TEXT(MAIL("header_to"), "");
    BROKEN_MESSAGE("Content-Type: multipart/mixed; boundary=b\r\nSubject: s\r\n", 10, "\r\n--b\r\n\r\nhello\r\n--b--");
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
}

UNIT_TEST(mime_origin)
{
    MESSAGE("Received: from a (b [192.0.2.9]) by c; x\r\nReceived: from mail (HELO mail) (198.51.100.7) by d; y\r\n\r\n");
    CHECK_TEXT(MAIL("originating_ip"), "198.51.100.7");
    CHECK_TEXT(MAIL("received_hops"), "2");
    MESSAGE("Received: from [IPv6:2001:DB8:0::1] by c; x\r\n\r\n");
    CHECK_TEXT(MAIL("originating_ip"), "2001:db8::1");
    MESSAGE("X-Originating-IP: [203.0.113.4]\r\nReceived: from [192.0.2.1] by c; x\r\n\r\n");
    CHECK_TEXT(MAIL("originating_ip"), "203.0.113.4");
    MESSAGE("Received: by 192.0.2.1 with HTTP; x\r\n\r\n");
    CHECK_TEXT(MAIL("originating_ip"), "");
}

UNIT_TEST(mime_oddities)
{
    MESSAGE("Content-Type: multipart/mixed; boundary=a; boundary=b\r\nContent-Type: text/plain\r\n\r\n--a\r\n\r\nhello\r\n--a--");
    CHECK(dialogue_rows("finding") == 2);
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
    MESSAGE("Content-Type: application/x; name=n\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\naGVsbG8=");
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
    CHECK(dialogue_rows("finding") == 1);
    MESSAGE("Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: rot13\r\n\r\nhello");
    CHECK(dialogue_rows("finding") == 2);
    CHECK_TEXT(FILE_ROW(0, "declared_type"), "multipart/mixed");
}

static void add(struct text *out, const char *text)
{
    text_append(out, bytes_of_text(text));
}

UNIT_TEST(mime_limits)
{
    struct text message = {.limit = 4 << 20};

    add(&message, "Subject: s\r\n");
    for (unsigned i = 0; i < 5000; i++)
        text_append_format(&message, "X-Bomb-%u: filling\r\n", i);
    add(&message, "To: late\r\n\r\nhello");
    play_message(text_bytes(&message), 0, bytes_of(NULL, 0));
    CHECK_TEXT(MAIL("subject"), "s");
    CHECK_TEXT(MAIL("header_to"), "");
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "smtp_limit");
    CHECK(dialogue_rows("file") == 1);

    text_clear(&message);
    for (unsigned i = 0; i < 150; i++)
        text_append_format(&message, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
    add(&message, "\r\nhello");
    play_message(text_bytes(&message), 0, bytes_of(NULL, 0));
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(FILE_ROW(0, "declared_type"), "multipart/mixed");
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "smtp_limit");

    text_clear(&message);
    add(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (unsigned i = 0; i < 1100; i++)
        add(&message, "--b\r\n\r\nx\r\n");
    play_message(text_bytes(&message), 0, bytes_of(NULL, 0));
    CHECK(dialogue_rows("file") == 1000);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "smtp_limit");
    text_free(&message);
}

/* Lines longer than anything that is kept: as a field, as no field, as what begins like a delimiter. */
UNIT_TEST(mime_long_lines)
{
    struct text message = {.limit = 1 << 20};
    static char filling[6000];

    memset(filling, 'x', sizeof filling);
    add(&message, "Subject: ");
    text_append(&message, bytes_of(filling, sizeof filling));
    add(&message, "\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b");
    text_append(&message, bytes_of(filling, sizeof filling));
    add(&message, "\r\n--b\r\n");
    text_append(&message, bytes_of(filling, sizeof filling));
    add(&message, "\r\n--b--");
    play_message(text_bytes(&message), 0, bytes_of(NULL, 0));
    CHECK(dialogue_rows("file") == 2);
    CHECK_TEXT(FILE_ROW(0, "size"), "6003");
    CHECK_TEXT(FILE_ROW(1, "size"), "6000");
    text_free(&message);
}

/* A message in base64 is a file and a message; one that is only said to be in base64 is a message. */
UNIT_TEST(mime_encoded_message)
{
    /* "Subject: x\nContent-Disposition: attachment; filename=in.txt\n\nhello" */
    MESSAGE("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=m.eml\r\n\r\n"
            "U3ViamVjdDogeApDb250ZW50LURpc3Bvc2l0aW9uOiBhdHRhY2htZW50OyBmaWxlbmFtZT1pbi50\r\neHQKCmhlbGxv\r\n");
    CHECK(dialogue_rows("file") == 2);
    CHECK_TEXT(FILE_ROW(0, "name"), "in.txt");
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(FILE_ROW(1, "name"), "m.eml");
    CHECK_TEXT(FILE_ROW(1, "size"), "66");
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "mail_mime_ambiguous");
    MESSAGE("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            "Content-Disposition: attachment; filename=in.txt\r\n\r\nhello\r\n--b--");
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(FILE_ROW(0, "name"), "in.txt");
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
}

/* A message that is attached, or named, is a file too; one that is only forwarded is not. */
UNIT_TEST(mime_attached_message)
{
    MESSAGE("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822; name=\"said.eml\"\r\n\r\n"
            "Subject: x\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Disposition: attachment; filename=in.txt\r\n\r\nhello\r\n"
            "--c--\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nhello\r\n--b--");
    CHECK(dialogue_rows("file") == 3);
    CHECK_TEXT(FILE_ROW(0, "name"), "in.txt");
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(FILE_ROW(1, "name"), "said.eml");
    CHECK_TEXT(FILE_ROW(1, "declared_type"), "message/rfc822");
    CHECK_TEXT(FILE_ROW(1, "size"), "128");
    CHECK_TEXT(FILE_ROW(2, "name"), "");
    CHECK_TEXT(FILE_ROW(2, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(MAIL("attachments"), "2");
}

/* Five attached messages inside each other: the innermost is read on all the same, but is no file of its own. */
UNIT_TEST(mime_attached_messages_inside_each_other)
{
    static const char attached[] = "Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n";
    struct text message = {.limit = 4096};

    for (int i = 0; i < 5; i++)
        text_append_text(&message, attached);
    text_append_text(&message, "Content-Disposition: attachment; filename=in.txt\r\n\r\nhello");
    play_message(text_bytes(&message), 0, bytes_of(NULL, 0));
    CHECK(dialogue_rows("file") == 4);
    CHECK_TEXT(FILE_ROW(0, "name"), "in.txt");
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_LINE);
    CHECK_TEXT(MAIL("attachments"), "4");
    text_free(&message);
}

#define URL(ROW, COLUMN) dialogue_value("smtp_url", ROW, COLUMN)

UNIT_TEST(mime_urls_in_text)
{
    MESSAGE("Content-Transfer-Encoding: quoted-printable\r\n\r\nSee http://user:pw@Example.TEST:8080/a?b=3Dc&d#e, (https://b.test/x_(y)) "
            "<ftp://c.test>.\r\n"
            "http://=\r\nd.test/long=\r\nline \"HTTPS://[2001:db8::1]/\" xhttp://no.test sftp://no.test http:/no http://?no\r\n"
            "http://d.test/longline again\xe3\x80\x82 http://e.test/=E3=80=82x mailto:a@b.test");
    CHECK(dialogue_rows("smtp_url") == 6);
    CHECK_TEXT(URL(0, "url"), "http://user:pw@Example.TEST:8080/a?b=c&d#e");
    CHECK_TEXT(URL(0, "host"), "example.test");
    CHECK_TEXT(URL(1, "url"), "https://b.test/x_(y)");
    CHECK_TEXT(URL(2, "url"), "ftp://c.test");
    CHECK_TEXT(URL(3, "url"), "http://d.test/longline");
    CHECK_TEXT(URL(4, "host"), "2001:db8::1");
    CHECK_TEXT(URL(5, "url"), "http://e.test/");
    CHECK_TEXT(URL(0, "mail_id"), MAIL("mail_id"));
    CHECK_TEXT(URL(0, "file_id"), FILE_ROW(0, "file_id"));
}

UNIT_TEST(mime_urls_in_html)
{
    MESSAGE("Content-Type: text/html; charset=utf-8\r\n\r\n<html><!-- http://comment.test --><!--[if mso]><img src='http://mso.test/p'><![endif]-->"
            "<style>a{background:url(http://style.test/a.png)}</style>"
            "<A class=x HREF=\"h&#116;tp://a.test/?x=1&amp;y=2&lt=3\"><b>click</b> here</A>"
            "<a href=http://evil.test/p>www.<b>bank</b>.test</a> <a href='http:\\\\evil.test/q'> https://bank.test/login </a>"
            "<a href=\"http://mail.shop.test\">shop.test</a><a href=\"http://x.test/r\">https://www.x.test</a>"
            "text http&#58;//t.test/&quot; &nope; 1 < 2 <a href=\"mailto:x@y.test\">m</a><a href=\"http://open.test/");
    CHECK(dialogue_rows("smtp_url") == 10); /* the tag that has no end shows nothing */
    CHECK_TEXT(URL(0, "url"), "http://mso.test/p");
    CHECK_TEXT(URL(1, "url"), "http://style.test/a.png");
    CHECK_TEXT(URL(2, "url"), "http://a.test/?x=1&y=2&lt=3");
    CHECK_TEXT(URL(3, "url"), "http://evil.test/p");
    CHECK_TEXT(URL(3, "shown_host"), "www.bank.test");
    CHECK_TEXT(URL(4, "url"), "https://bank.test/login");
    CHECK_TEXT(URL(5, "url"), "http://evil.test/q");
    CHECK_TEXT(URL(5, "shown_host"), "bank.test");
    CHECK_TEXT(URL(6, "host"), "mail.shop.test");
    CHECK_TEXT(URL(6, "shown_host"), "");
    CHECK_TEXT(URL(7, "url"), "https://www.x.test");
    CHECK_TEXT(URL(8, "url"), "http://x.test/r");
    CHECK_TEXT(URL(9, "url"), "http://t.test/");
    CHECK(dialogue_rows("finding") == 2);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "mail_link_mismatch");
}

UNIT_TEST(mime_urls_in_charsets)
{
    MESSAGE("Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            "aAB0AHQAcAA6AC8ALwB1AC4AdABlAHMAdAAvAA==\r\n");
    CHECK(dialogue_rows("smtp_url") == 1);
    CHECK_TEXT(URL(0, "url"), "http://u.test/");
    MESSAGE("Content-Type: text/plain; charset=shift_jis\r\n\r\nhttp://s.test/\x83\x5c\x83\x5c x");
    CHECK_TEXT(URL(0, "url"), "http://s.test/\xe3\x82\xbd\xe3\x82\xbd");
}

UNIT_TEST(mime_urls_are_limited)
{
    struct text message = {.limit = 1 << 20};
    static char filling[3000];

    memset(filling, 'x', sizeof filling);
    add(&message, "Subject: x\r\n\r\n");
    for (unsigned i = 0; i < 1200; i++)
        text_append_format(&message, "http://h%u.test\r\n", i);
    play_message(text_bytes(&message), 0, bytes_of(NULL, 0));
    CHECK(dialogue_rows("smtp_url") == 1000);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "smtp_limit");

    text_clear(&message);
    add(&message, "Subject: x\r\n\r\nhttp://l.test/");
    text_append(&message, bytes_of(filling, sizeof filling));
    play_message(text_bytes(&message), 0, bytes_of(NULL, 0));
    CHECK(dialogue_rows("smtp_url") == 1 && strlen(URL(0, "url")) == 2048);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "smtp_limit");
    text_free(&message);
}

static const char *only_finding(void)
{
    return dialogue_rows("finding") == 1 ? dialogue_value("finding", 0, "name") : dialogue_rows("finding") == 0 ? "none" : "several";
}

UNIT_TEST(mime_senders)
{
    MESSAGE("From: \"bob@bank.test\" <x@evil.test>\r\n\r\n");
    CHECK_TEXT(only_finding(), "mail_spoofed_from");
    MESSAGE("From: =?utf-8?q?bob=40bank.test?= <x@evil.test>\r\n\r\n");
    CHECK_TEXT(only_finding(), "mail_spoofed_from");
    MESSAGE("From: \"bob@Mail.Bank.test, or b@bank.test.\" <x@bank.test>\r\n\r\n");
    CHECK_TEXT(only_finding(), "none");
    MESSAGE("From: \"B @ home, @handle\" <x@bank.test> (c@comment.test, too)\r\n\r\n");
    CHECK_TEXT(only_finding(), "none");
    MESSAGE("From: a@one.test, b@two.test\r\n\r\n");
    CHECK_TEXT(only_finding(), "mail_several_from");
    MESSAGE("From: a@one.test, b@two.test\r\nSender: a@one.test\r\n\r\n");
    CHECK_TEXT(only_finding(), "none");
    MESSAGE("From: a@one.test\r\nFrom: b@two.test\r\n\r\n");
    CHECK_TEXT(only_finding(), "mail_several_from");
    CHECK_TEXT(MAIL("header_from"), "a@one.test");
    CHECK_TEXT(dialogue_value("finding", 0, "severity"), "warning");
}

UNIT_TEST(mime_broken_folding)
{
    MESSAGE("Content-Type: text/html;\r\ncharset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n");
    CHECK_TEXT(FILE_ROW(0, "sha256"), SHA_HELLO_BARE);
    CHECK_TEXT(only_finding(), "mail_mime_ambiguous");
}

/* A number from 0 to `below` - 1; the same ones in every run. */
static size_t draw(uint64_t *state, size_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(*state >> 33) % below;
}

/* Pieces of mails in any order and with any byte changed: whatever they mean, they mean the same byte by byte, gaps included. */
UNIT_TEST(mime_any_order)
{
    static const char *const pieces[] = {
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "Content-Type: multipart/digest; boundary=\"bb\"\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: text/html; charset=utf-16\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\n",
        "Content-Transfer-Encoding: x-uuencode\r\n",
        "Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b\r\n",
        "Subject: =?utf-8?q?a?= =?utf-7?b?+AGE-?=\r\n folded\r\n",
        "From: \"a@b.test, c\" <d@e.test>, f@g.test\r\n",
        "\r\n",
        "\n",
        "--b\r\n",
        "--b--\r\n",
        "--bb \n",
        "\r\n--bb--",
        "begin 644 x\r\n%:&5L;&\\\r\n`\r\nend\r\n",
        "aGVsbG8=\r\n",
        "aGVsbG8gaGVsbG8gaGVsbG8g\r\n",
        "<a href='http://a.test/'>www.b.test</a> http&#58;//c.test/\r\n",
        "no field\r",
        "x=1\r\n",
        "=41=\r\n=",
    };
    uint64_t state = 20260714;

    for (unsigned round = 0; round < 400; round++) {
        struct text parts[2] = {{.limit = 1 << 16}, {.limit = 1 << 16}};

        for (unsigned i = 0; i < 2; i++) {
            for (size_t count = draw(&state, 20); count > 0; count--)
                add(&parts[i], pieces[draw(&state, sizeof pieces / sizeof pieces[0])]);
            for (size_t count = draw(&state, 4); count > 0 && parts[i].length > 0; count--)
                parts[i].at[draw(&state, parts[i].length)] = (char)draw(&state, 256);
        }
        play_message(text_bytes(&parts[0]), draw(&state, 3) == 0 ? 1 + draw(&state, 5000) : 0, text_bytes(&parts[1]));
        text_free(&parts[0]);
        text_free(&parts[1]);
    }
}

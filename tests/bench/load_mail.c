/* A mail as a client sends it behind DATA: headers, a text in plain and HTML (quoted-printable), one attachment (base64), the
 * final dot. It is made piece by piece, so that the attachment may be of any size, and the attachment's digest is told.
 * Reference: RFC 5321 (4.5.2), 2045, 2046, 2183. */
#define _GNU_SOURCE 1

#include "load.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_RAW = 57, LINE_TEXT = 78, LINES = 16384 };

/* What attachments are made of: lines of random bytes, and the same lines in base64. */
static uint8_t *raw;
static uint8_t *text;

static void encode_line(size_t line)
{
    EVP_EncodeBlock(text + line * LINE_TEXT, raw + line * LINE_RAW, LINE_RAW);
    memcpy(text + line * LINE_TEXT + LINE_TEXT - 2, "\r\n", 2); /* over the NUL too */
}

void mail_prepare(void)
{
    raw = allocate(NULL, (size_t)LINES * LINE_RAW + 8);
    text = allocate(NULL, (size_t)LINES * LINE_TEXT + 8);
    for (size_t offset = 0; offset < (size_t)LINES * LINE_RAW; offset += 4)
        put_u32_be(raw + offset, (uint32_t)random_next());
    for (size_t line = 0; line < LINES; line++)
        encode_line(line);
}

void mail_end(void)
{
    free(raw);
    free(text);
}

static void add(struct mail *mail, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct mail *mail, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf((char *)mail->around + mail->around_length, sizeof mail->around - mail->around_length, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof mail->around - mail->around_length)
        fail("internal error: a mail's text is too long");
    mail->around_length += (size_t)length;
}

/* About so many bytes of prose; two lines of each paragraph begin with a dot. */
static void add_prose(struct mail *mail, size_t length, const char *before, const char *behind)
{
    size_t end = mail->around_length + length;
    for (unsigned paragraph = 1; mail->around_length < end; paragraph++)
        add(mail,
            "%sDear colleague, the minutes of meeting %u are attached; they were =E2=80=9E=\r\n"
            "approved=E2=80=9C on Thursday. All caf=C3=A9s of the quarter are listed at http=\r\n"
            "://www.example.net/list/%u?page=3D%u, as ever.\r\n"
            "..profile is the name of the file that must be changed =3D see the note belo=\r\n"
            "w.%s\r\n"
            "...\r\n",
            before, paragraph, paragraph, paragraph * 7, behind);
}

static void add_beginning(struct mail *mail, size_t prose)
{
    unsigned number = mail->number;
    add(mail,
        "Received: from desk.example.net ([192.0.2.7]) by mail.example.net with ESMTP id L%u;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
        "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        "From: =?utf-8?Q?Ren=C3=A9e?= <load@example.net>\r\nTo: <reader%u@example.org>\r\n"
        "Subject: =?utf-8?B?TWludXRlcyDigJM=?= %u\r\n"
        "Message-ID: <load.%u@example.net>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=\"outer.%u\"\r\n\r\n"
        "--outer.%u\r\nContent-Type: multipart/alternative; boundary=\"inner.%u\"\r\n\r\n"
        "--inner.%u\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        number, number, number, number, number, number, number, number);
    add_prose(mail, prose, "", "");
    add(mail, "\r\n--inner.%u\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html><body>\r\n",
        number);
    add_prose(mail, prose, "<p class=3D\"text\">", "</p>");
    add(mail,
        "</body></html>\r\n\r\n--inner.%u--\r\n\r\n--outer.%u\r\nContent-Type: application/pdf; name=\"load-%u.pdf\"\r\n"
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"load-%u.pdf\"\r\n\r\n",
        number, number, number, number);
}

/* The attachment's first line: what tells a PDF. */
static void add_first_line(struct mail *mail)
{
    static const char first[LINE_RAW + 1] = "%PDF-1.5\n%\xe2\xe3\xcf\xd3\n1 0 obj <</Type /Catalog>> endobj         \n";
    file_add(&mail->file, (const uint8_t *)first, LINE_RAW);
    mail->around_length += (size_t)EVP_EncodeBlock(mail->around + mail->around_length, (const uint8_t *)first, LINE_RAW);
    mail->attachment_left -= LINE_RAW;
    add(mail, "\r\n");
}

/* The rest of the attachment that fills no line, and what follows it. */
static void add_ending(struct mail *mail)
{
    size_t rest = (size_t)mail->attachment_left;
    if (rest > 0) {
        file_add(&mail->file, raw, rest);
        mail->around_length += (size_t)EVP_EncodeBlock(mail->around, raw, (int)rest);
        mail->attachment_left = 0;
        add(mail, "\r\n");
    }
    add(mail, "--outer.%u--\r\n.\r\n", mail->number);
}

void mail_begin(struct mail *mail, unsigned number, uint64_t attachment, size_t prose)
{
    char name[32];
    *mail = (struct mail){.number = number, .attachment_left = attachment};
    snprintf(name, sizeof name, "load-%u.pdf", number);
    file_begin(&mail->file, name);
    add_beginning(mail, prose);
    add_first_line(mail);
}

/* The next lines of the attachment: what `ready` points to. The first of them is another one each time. */
static void next_lines(struct mail *mail)
{
    uint64_t whole = mail->attachment_left / LINE_RAW;
    size_t first = whole < LINES / 2 ? (size_t)random_below(LINES / 2) : 0;
    size_t count = whole < LINES - first ? (size_t)whole : LINES - first;
    uint64_t serial = random_next();
    memcpy(raw + first * LINE_RAW, &serial, sizeof serial);
    encode_line(first);
    file_add(&mail->file, raw + first * LINE_RAW, count * LINE_RAW);
    mail->attachment_left -= count * LINE_RAW;
    mail->ready = text + first * LINE_TEXT;
    mail->ready_left = count * LINE_TEXT;
}

static bool make_ready(struct mail *mail)
{
    if (!mail->has_begun) {
        mail->has_begun = true;
        mail->ready = mail->around;
        mail->ready_left = mail->around_length;
        return true;
    }
    if (mail->attachment_left >= LINE_RAW) {
        next_lines(mail);
        return true;
    }
    if (mail->has_ended)
        return false;
    mail->has_ended = true;
    mail->around_length = 0;
    add_ending(mail);
    mail->ready = mail->around;
    mail->ready_left = mail->around_length;
    file_end(&mail->file);
    return true;
}

bool mail_is_over(struct mail *mail)
{
    return mail->ready_left == 0 && !make_ready(mail);
}

size_t mail_take(struct mail *mail, uint8_t *to, size_t room)
{
    size_t taken = 0;
    while (taken < room && !mail_is_over(mail)) {
        size_t count = mail->ready_left < room - taken ? mail->ready_left : room - taken;
        memcpy(to + taken, mail->ready, count);
        mail->ready += count;
        mail->ready_left -= count;
        taken += count;
    }
    return taken;
}

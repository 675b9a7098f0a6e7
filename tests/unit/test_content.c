/* test_content.c - dissectors/content.h, seen through the files of a mail: size, digest, type, and what is stored. */
#include "base/vault.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN \
    SERVER("220 mx\r\n"), CLIENT("HELO a\r\n"), SERVER("250 mx\r\n"), CLIENT("MAIL FROM:<a@a>\r\n"), SERVER("250 ok\r\n"), \
        CLIENT("RCPT TO:<b@b>\r\n"), SERVER("250 ok\r\n"), CLIENT("DATA\r\n"), SERVER("354 go on\r\n")
#define HEADER "From: a@a\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
#define CLOSE CLIENT(".\r\n"), SERVER("250 taken\r\n"), CLIENT("QUIT\r\n"), SERVER("221 bye\r\n")

/* The mail whose body is `base64`, all of the file's bytes in it. */
#define MAIL_OF(BASE64) \
    { \
        OPEN, CLIENT(HEADER), CLIENT(BASE64 "\r\n"), CLOSE \
    }

static const char *value(const char *column)
{
    return dialogue_value("file", 0, column);
}

UNIT_TEST(content_has_its_digest)
{
    const struct step abc[] = MAIL_OF("YWJj"); /* FIPS 180-4's own example */
    const struct step longer[] = MAIL_OF("YWJjZGJjZGVjZGVmZGVmZ2VmZ2hmZ2hpZ2hpamhpamtpamtsamtsbWtsbW5sbW5vbW5vcG5vcHE=");

    PLAY(25, abc);
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(value("size"), "3");
    CHECK_TEXT(value("missing"), "0");
    CHECK_TEXT(value("complete"), "1");
    CHECK_TEXT(value("sha256"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_TEXT(value("stored_path"), "");
    PLAY(25, longer);
    CHECK_TEXT(value("size"), "56");
    CHECK_TEXT(value("sha256"), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

UNIT_TEST(content_has_its_type)
{
    const struct step pdf[] = MAIL_OF("JVBERi0xLjQKJeLjz9MK");
    const struct step png[] = MAIL_OF("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ");
    const struct step gzip[] = MAIL_OF("H4sIAAAAAAAAAwMAAAAAAAAAAAA=");

    PLAY(25, pdf);
    CHECK_TEXT(value("mime_type"), "application/pdf");
    PLAY(25, png);
    CHECK_TEXT(value("mime_type"), "image/png");
    PLAY(25, gzip);
    CHECK_TEXT(value("mime_type"), "application/gzip");
}

UNIT_TEST(content_with_missing_bytes_has_no_digest_and_is_not_stored)
{
    char folder[] = "/tmp/wirescribe-content-XXXXXX";
    const struct step steps[] = {OPEN, CLIENT(HEADER), CLIENT("YWJj\r\n"), MISSES(FROM_CLIENT, 60), CLIENT("YWJj\r\n"), CLOSE};
    struct vault *vault = mkdtemp(folder) != NULL ? vault_open(folder, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT) : NULL;

    CHECK(vault != NULL);
    dialogue_play(&(struct dialogue){.server_port = 25, .steps = steps, .count = sizeof steps / sizeof steps[0], .recording = {.vault = vault}});
    CHECK(dialogue_rows("file") == 1);
    CHECK_TEXT(value("complete"), "0");
    CHECK_TEXT(value("sha256"), "");
    CHECK_TEXT(value("stored_path"), "");
    CHECK(dialogue_rows("finding") == 0); /* it was not to be stored */
    vault_close(vault);
    CHECK(remove(folder) == 0); /* nothing was left in it */
}

UNIT_TEST(content_is_stored_where_it_is_asked_for)
{
    char folder[] = "/tmp/wirescribe-content-XXXXXX";
    char wanted[200];
    char command[100];
    const struct step steps[] = MAIL_OF("YWJj");
    struct vault *vault = mkdtemp(folder) != NULL ? vault_open(folder, VAULT_FILE_LIMIT, VAULT_TOTAL_LIMIT) : NULL;

    CHECK(vault != NULL);
    dialogue_play(&(struct dialogue){.server_port = 25, .steps = steps, .count = sizeof steps / sizeof steps[0], .recording = {.vault = vault}});
    snprintf(wanted, sizeof wanted, "%s/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", folder);
    CHECK_TEXT(value("stored_path"), wanted);
    vault_close(vault);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    CHECK(system(command) == 0);
}

UNIT_TEST(content_over_a_limit_is_told_once_a_flow)
{
    char folder[] = "/tmp/wirescribe-content-XXXXXX";
    const struct step steps[] = {
        OPEN,
        CLIENT(HEADER),
        CLIENT("YWJjYWJj\r\n.\r\n"),
        SERVER("250 taken\r\n"),
        CLIENT("MAIL FROM:<a@a>\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("RCPT TO:<b@b>\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("DATA\r\n"),
        SERVER("354 go on\r\n"),
        CLIENT(HEADER),
        CLIENT("YWJjYWJj\r\n"),
        CLOSE,
    };
    struct vault *vault = mkdtemp(folder) != NULL ? vault_open(folder, 5, VAULT_TOTAL_LIMIT) : NULL;

    CHECK(vault != NULL);
    dialogue_play(&(struct dialogue){.server_port = 25, .steps = steps, .count = sizeof steps / sizeof steps[0], .recording = {.vault = vault}});
    CHECK(dialogue_rows("file") == 2);
    CHECK_TEXT(value("stored_path"), "");
    CHECK(strlen(value("sha256")) == 64);
    CHECK(dialogue_rows("finding") == 1);
    CHECK_TEXT(dialogue_value("finding", 0, "name"), "file_not_stored");
    CHECK_TEXT(dialogue_value("finding", 0, "detail"), "a file of 6 bytes is larger than is stored of one: 5 bytes");
    vault_close(vault);
    CHECK(remove(folder) == 0);
}

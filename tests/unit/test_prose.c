/* test_prose.c - dissectors/prose.h: what is told to be plain text or HTML without libmagic, and what is not. */
#include "dissectors/prose.h"

#include "tests/unit/check.h"

static const char *type_of(const void *bytes, size_t length)
{
    const char *type = prose_type(bytes_of(check_against_the_edge(bytes, length), length));

    return type != NULL ? type : "(ask)";
}

#define TYPE(LITERAL) type_of(LITERAL, sizeof(LITERAL) - 1)

UNIT_TEST(prose_is_plain_text)
{
    CHECK_TEXT(TYPE("Dear colleague,\r\n\r\nthe minutes are attached.\r\n"), "text/plain");
    CHECK_TEXT(TYPE("\xef\xbb\xbf\r\n  > quoted"), "text/plain");
    CHECK_TEXT(TYPE("\xc3\x9c"
                    "ber"),
               "text/plain");
    CHECK_TEXT(TYPE("\xdc"
                    "ber, in Latin-1"),
               "text/plain");
    CHECK_TEXT(TYPE("\r\n"), "text/plain");
    CHECK_TEXT(TYPE(".profile is the name"), "text/plain");
}

UNIT_TEST(prose_holds_these_control_characters_alone)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = "a word, and another one, and one more behind it";
        bool is_text = (byte >= 7 && byte <= 10) || byte == 12 || byte == 13 || byte == 27 || (byte >= 32 && byte != 127);

        text[20] = (char)byte;
        CHECK_TEXT(TYPE(text), is_text ? "text/plain" : "(ask)");
    }
}

UNIT_TEST(prose_is_html)
{
    CHECK_TEXT(TYPE("<!DOCTYPE html>\n<html>"), "text/html");
    CHECK_TEXT(TYPE("\r\n<HTML><body>"), "text/html");
    CHECK_TEXT(TYPE("<div dir=\"ltr\">Hello"), "text/html");
    CHECK_TEXT(TYPE("<p>Hello"), "text/html");
}

UNIT_TEST(prose_is_not_what_programs_read)
{
    CHECK_TEXT(TYPE(""), "(ask)");
    CHECK_TEXT(TYPE("MZ\x90\0\x03"), "(ask)");
    CHECK_TEXT(TYPE("Hello\0"), "(ask)");
    CHECK_TEXT(TYPE("#!/bin/sh\n"), "(ask)");
    CHECK_TEXT(TYPE("%PDF-1.4\n"), "(ask)");
    CHECK_TEXT(TYPE("<?php echo 1;"), "(ask)");
    CHECK_TEXT(TYPE("<pre-release>"), "(ask)");
    CHECK_TEXT(TYPE("<p"), "(ask)");
    CHECK_TEXT(TYPE("{\\rtf1"), "(ask)");
    CHECK_TEXT(TYPE(".TH LS 1\n"), "(ask)");
    CHECK_TEXT(TYPE("BEGIN:VCALENDAR\r\n"), "(ask)");
    CHECK_TEXT(TYPE("-----BEGIN PGP MESSAGE-----\n"), "(ask)");
}

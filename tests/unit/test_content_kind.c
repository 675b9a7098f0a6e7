/* test_content_kind.c - dissectors/content_kind.h: what contradicts a file's name, and what does not. */
#include "dissectors/content_kind.h"

#include "tests/unit/check.h"

#include <stdio.h>

static char answer[512];

/* All that is wrong: "severity name: detail; ...". */
static const char *judge(const void *head, size_t length, const char *mime_type, const char *name, const char *declared_type)
{
    struct content_suspicion suspicions[CONTENT_SUSPICIONS_MOST];
    struct bytes edge = bytes_of(check_against_the_edge(head, length), length);
    size_t count = content_judge(edge, bytes_of_text(mime_type), bytes_of_text(name), bytes_of_text(declared_type), suspicions);
    size_t used = 0;

    answer[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(answer + used, sizeof answer - used, "%s%s %s: %s", i > 0 ? "; " : "", suspicions[i].severity, suspicions[i].name,
                                 suspicions[i].detail);
    return answer;
}

#define JUDGE(LITERAL, MIME_TYPE, NAME, DECLARED) judge(LITERAL, sizeof(LITERAL) - 1, MIME_TYPE, NAME, DECLARED)
#define KIND(LITERAL, MIME_TYPE) \
    content_kind_of(bytes_of(check_against_the_edge(LITERAL, sizeof(LITERAL) - 1), sizeof(LITERAL) - 1), bytes_of_text(MIME_TYPE))
#define PROGRAM(LITERAL, MIME_TYPE) \
    content_program(bytes_of(check_against_the_edge(LITERAL, sizeof(LITERAL) - 1), sizeof(LITERAL) - 1), bytes_of_text(MIME_TYPE))

/* An MZ header whose new one lies behind it. */
#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define PE "MZ\x90\0\0\0\0\0\0\0\0\0\0\0\0\0" ZEROS_16 ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\x40\0\0\0PE\0\0"
#define PE_FAR \
    "MZ\x90\0\0\0\0\0\0\0\0\0\0\0\0\0" ZEROS_16 ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff" \
    "PE\0\0"
#define ZIP "PK\x03\x04\x14\0\0\0\x08\0"
#define PNG "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
#define JPEG "\xff\xd8\xff\xe0\0\x10JFIF\0"
#define OLE "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#define LINK "\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"
#define PROSE "Dear colleague, the minutes of yesterday follow.\r\n"

UNIT_TEST(content_kinds_are_told_by_signature)
{
    CHECK(KIND(PE, "") == KIND_PE);
    CHECK(KIND(PE_FAR, "") == KIND_UNKNOWN);
    CHECK(KIND(PE_FAR, "application/x-dosexec") == KIND_PE);
    CHECK(KIND("MZ: as the postmaster said, this is a text of more than sixty-four bytes", "text/plain") == KIND_TEXT);
    CHECK(KIND("MZ", "text/plain") == KIND_UNKNOWN);
    CHECK(KIND(ZIP, "") == KIND_ZIP);
    CHECK(KIND("\r\n%PDF-1.7\n", "") == KIND_PDF);
    CHECK(KIND("BZh91AY&SY", "") == KIND_BZIP2);
    CHECK(KIND("\0\0\0\x18"
               "ftypheic",
               "") == KIND_ISO_MEDIA);
    CHECK(KIND("RIFF\x10\0\0\0WEBPVP8 ", "") == KIND_RIFF);
    CHECK(KIND("RIFF\x10\0\0\0", "") == KIND_UNKNOWN);
    CHECK(KIND("\xca\xfe\xba\xbe\0\0\0\x02", "") == KIND_MACH_O);
    CHECK(KIND("\xca\xfe\xba\xbe\0\0\0\x3d", "") == KIND_JAVA_CLASS);
    CHECK(KIND("\xca\xfe\xba\xbe\0\0\0\x20", "") == KIND_UNKNOWN);
    CHECK(KIND("\xca\xfe\xba", "") == KIND_UNKNOWN);
    CHECK(KIND(OLE, "application/CDFV2") == KIND_OLE);
    CHECK(KIND(OLE, "application/x-msi") == KIND_MSI);
    CHECK(KIND("", "") == KIND_UNKNOWN);
}

UNIT_TEST(content_programs_and_scripts)
{
    CHECK_TEXT(PROGRAM(PE, ""), "a Windows program");
    CHECK_TEXT(PROGRAM("\x7f"
                       "ELF\x02\x01\x01",
                       ""),
               "an ELF program");
    CHECK_TEXT(PROGRAM(LINK, ""), "a Windows shortcut");
    CHECK_TEXT(PROGRAM("#!/bin/sh\nrm -rf /\n", ""), "a script");
    CHECK_TEXT(PROGRAM("#! /usr/bin/env python3\n", ""), "a script");
    CHECK_TEXT(PROGRAM("\xef\xbb\xbf\r\n@ECHO OFF\r\n", "text/plain"), "a batch script");
    CHECK_TEXT(PROGRAM("<html><HTA:APPLICATION id=x><script>", "text/html"), "an HTML application");
    CHECK_TEXT(PROGRAM("var s = new ActiveXObject(\"WScript.Shell\");", "text/plain"), "a Windows script");
    CHECK_TEXT(PROGRAM("Set s = CreateObject(\"WScript.Shell\")", "text/plain"), "a Windows script");
    CHECK_TEXT(PROGRAM("GIF89a;<?php system($_GET['c']); ?>", "image/gif"), "an image with a PHP script in it");
    CHECK(PROGRAM("#!", "") == NULL);
    CHECK(PROGRAM("#! is called a shebang", "text/plain") == NULL);
    CHECK(PROGRAM(PROSE, "text/plain") == NULL);
    CHECK(PROGRAM(ZIP "#!/bin/sh", "") == NULL);
    CHECK(PROGRAM("", "") == NULL);
}

UNIT_TEST(content_that_fits_its_name_is_no_finding)
{
    CHECK_TEXT(JUDGE(PE, "", "setup.exe", "application/octet-stream"), "");
    CHECK_TEXT(JUDGE(PE, "", "SETUP.EXE.", ""), "");
    CHECK_TEXT(JUDGE(ZIP, "", "report.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"), "");
    CHECK_TEXT(JUDGE(OLE, "", "locked.xlsx", ""), "");
    CHECK_TEXT(JUDGE(ZIP, "", "library.jar", ""), "");
    CHECK_TEXT(JUDGE(ZIP, "", "book.epub", ""), "");
    CHECK_TEXT(JUDGE("\x1f\x8b\x08", "", "wirescribe-1.0.tar.gz", ""), "");
    CHECK_TEXT(JUDGE("\x1f\x8b\x08", "", "wirescribe.tgz", ""), "");
    CHECK_TEXT(JUDGE(PROSE, "text/plain", "main.c", "text/x-csrc"), "");
    CHECK_TEXT(JUDGE(PROSE, "text/html", "table.xls", ""), "");
    CHECK_TEXT(JUDGE("#!/bin/sh\necho this is a script, and it says so\n", "text/x-shellscript", "install.txt", "text/plain"), "");
    CHECK_TEXT(JUDGE(PNG, "", "picture", "image/png"), "");
    CHECK_TEXT(JUDGE(PE, "", "firmware.bin", ""), "");
    CHECK_TEXT(JUDGE(PE, "", "a.unheardof", ""), "");
    CHECK_TEXT(JUDGE(PE, "", "", ""), "");
    CHECK_TEXT(JUDGE(PE, "", ".txt", ""), "");
    CHECK_TEXT(JUDGE("\x01\x02\x03\x04", "application/octet-stream", "strange.pdf", "application/pdf"), "");
    CHECK_TEXT(JUDGE("", "", "empty.pdf", "application/pdf"), "");
    CHECK_TEXT(JUDGE("short", "text/plain", "short.jpg", ""), "");
    CHECK_TEXT(JUDGE("ID3\x03\0", "audio/mpeg", "song.mp3", "audio/mpeg"), "");
    CHECK_TEXT(JUDGE(PROSE, "text/plain", "jquery.min.js", ""), "");
    CHECK_TEXT(JUDGE(ZIP, "", "archive.zip", "application/msword"), "");
}

UNIT_TEST(content_contradicts_its_name)
{
    CHECK_TEXT(JUDGE(PE, "", "invoice.pdf", "application/pdf"), "alarm file_executable_disguised: a Windows program, named .pdf");
    CHECK_TEXT(JUDGE(PE, "", "readme.txt", ""), "alarm file_executable_disguised: a Windows program, named .txt");
    CHECK_TEXT(JUDGE("\x7f"
                     "ELF\x02",
                     "", "holiday.JPG", ""),
               "alarm file_executable_disguised: an ELF program, named .jpg");
    CHECK_TEXT(JUDGE("#!/bin/sh\nid\n", "", "holiday.jpg", ""), "alarm file_executable_disguised: a script, named .jpg");
    CHECK_TEXT(JUDGE("GIF89a;<?php system(1); ?>", "image/gif", "a.gif", ""),
               "alarm file_executable_disguised: an image with a PHP script in it, named .gif");
    CHECK_TEXT(JUDGE(OLE, "application/x-msi", "a.doc", ""), "alarm file_executable_disguised: a Windows Installer package, named .doc");
    CHECK_TEXT(JUDGE(ZIP, "", "holiday.jpg", ""), "warning file_type_mismatch: a ZIP archive, named .jpg");
    CHECK_TEXT(JUDGE(PNG, "", "notes.txt", ""), "warning file_type_mismatch: a PNG image, named .txt");
    CHECK_TEXT(JUDGE(PNG, "", "holiday.jpg", ""), "notice file_type_mismatch: a PNG image, named .jpg");
    CHECK_TEXT(JUDGE(PROSE, "text/plain", "holiday.jpg", ""), "warning file_type_mismatch: text, named .jpg");
    CHECK_TEXT(JUDGE(ZIP "word/vbaProject.bin", "", "a.docx", ""), "warning file_type_mismatch: a document with macros, named .docx");
    CHECK_TEXT(JUDGE(ZIP "word/vbaProject.bin", "", "a.docm", ""), "");
}

UNIT_TEST(content_contradicts_its_declared_type)
{
    CHECK_TEXT(JUDGE(PE, "", "", "image/jpeg; name=a"), "alarm file_executable_disguised: a Windows program, declared as an image");
    CHECK_TEXT(JUDGE(PE, "", "a.exe", "text/plain"), "warning file_type_mismatch: a Windows program, declared as text");
    CHECK_TEXT(JUDGE(ZIP, "", "", "image/png"), "warning file_type_mismatch: a ZIP archive, declared as an image");
    CHECK_TEXT(JUDGE(JPEG, "", "", "image/png"), "");
    CHECK_TEXT(JUDGE(JPEG, "", "", "text/plain"), "");
}

UNIT_TEST(content_names_that_deceive)
{
    CHECK_TEXT(JUDGE(PE, "", "invoice.pdf.exe", ""), "warning file_double_extension: it looks like .pdf and is run as .exe");
    CHECK_TEXT(JUDGE(PE, "", "Invoice.PDF          .ScR", ""), "warning file_double_extension: it looks like .pdf and is run as .scr");
    CHECK_TEXT(JUDGE("", "", "LOVE-LETTER-FOR-YOU.TXT.vbs", ""), "warning file_double_extension: it looks like .txt and is run as .vbs");
    CHECK_TEXT(JUDGE(ZIP, "", "invoice.pdf.exe", ""),
               "warning file_double_extension: it looks like .pdf and is run as .exe; warning file_type_mismatch: a ZIP archive, named .exe");
    CHECK_TEXT(JUDGE("", "",
                     "annexe\xe2\x80\xae"
                     "fdp.exe",
                     ""),
               "alarm file_executable_disguised: its extension runs it, and its name is written from right to left");
    CHECK_TEXT(JUDGE(PROSE, "text/plain",
                     "a\xe2\x80\xae"
                     "fdp.txt",
                     ""),
               "warning file_double_extension: its name is written from right to left in part");
    CHECK_TEXT(JUDGE("", "", "report.2024.exe", ""), "");
    CHECK_TEXT(JUDGE("", "", "archive.tar.gz", ""), "");
    CHECK_TEXT(JUDGE("", "", ".pdf.exe", ""), "");
    CHECK_TEXT(JUDGE("", "", "...", ""), "");
}

/* test_ftp.c - dissectors/ftp.c and the files around it: the control connection, in written dialogues. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#define LOGIN SERVER("220 ready\r\n"), CLIENT("USER alice\r\n"), SERVER("331 password\r\n"), CLIENT("PASS secret\r\n"), SERVER("230 in\r\n")
#define HOME CLIENT("PWD\r\n"), SERVER("257 \"/home/alice\" is the current directory\r\n")

/* The column of the first command of that verb and argument; "(no row)". `argument` NULL: of any. */
static const char *command_value(const char *verb, const char *argument, const char *column)
{
    for (size_t i = 0; i < dialogue_rows("ftp_command"); i++) {
        if (strcmp(dialogue_value("ftp_command", i, "command"), verb) == 0 &&
            (argument == NULL || strcmp(dialogue_value("ftp_command", i, "argument"), argument) == 0))
            return dialogue_value("ftp_command", i, column);
    }
    return "(no row)";
}

static const char *session_value(const char *column)
{
    return dialogue_value("ftp_session", 0, column);
}

/* The detail of the first finding of that name; "(none)". */
static const char *finding(const char *name)
{
    for (size_t i = 0; i < dialogue_rows("finding"); i++) {
        if (strcmp(dialogue_value("finding", i, "name"), name) == 0)
            return dialogue_value("finding", i, "detail");
    }
    return "(none)";
}

/* ---- commands and replies ---- */

UNIT_TEST(ftp_commands_have_their_replies)
{
    const struct step steps[] = {
        LOGIN,
        CLIENT("RETR a\r\n"),
        SERVER("150 here it comes\r\n"),
        SERVER("226 done\r\n"),
        CLIENT("noop\r\n"),
        SERVER("200 ok\r\n"),
        CLIENT("QUIT\r\n"),
        SERVER("221 bye\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(dialogue_protocol(), "ftp");
    CHECK(dialogue_rows("ftp_command") == 5);
    CHECK_TEXT(command_value("USER", "alice", "reply_code"), "331");
    CHECK_TEXT(command_value("RETR", "a", "preliminary_code"), "150");
    CHECK_TEXT(command_value("RETR", "a", "reply_code"), "226");
    CHECK_TEXT(command_value("RETR", "a", "delay_us"), "2");
    CHECK_TEXT(command_value("NOOP", NULL, "reply"), "ok");
    CHECK_TEXT(command_value("NOOP", NULL, "preliminary_code"), "");
    CHECK_TEXT(session_value("last_reply"), "221 bye");
    CHECK_TEXT(session_value("commands"), "5");
}

/* RFC 959, 4.2: only the first code with a space behind it ends a reply. */
UNIT_TEST(ftp_replies_of_many_lines)
{
    const struct step steps[] = {
        SERVER("220-Welcome\r\n220-220 files\r\n230 is no end\r\n  220 neither\r\n220 ready\r\n"),
        CLIENT("STAT\r\n"),
        SERVER("211-Status\r\n 211 inside\r\n500 files\r\nplain\r\n\r\n211 End\r\n"),
        CLIENT("NOOP\r\n"),
        SERVER("200\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("STAT", NULL, "reply_code"), "211");
    CHECK_TEXT(command_value("NOOP", NULL, "reply_code"), "200");
    CHECK_TEXT(command_value("NOOP", NULL, "reply"), "");
    CHECK_TEXT(session_value("last_reply"), "200");
}

UNIT_TEST(ftp_pipelined_and_delayed)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),
        CLIENT("USER alice\r\nPASS secret\r\nCWD /pub\r\nSIZE a\r\nRETR a\r\nCDUP\r\nDELE b\r\n"),
        SERVER("331 password\r\n230 in\r\n250 ok\r\n"),
        SERVER("213 17\r\n150 comes\r\n226 done\r\n"),
        SERVER("250 up\r\n550 no\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("PASS", NULL, "reply_code"), "230");
    CHECK_TEXT(command_value("SIZE", "a", "reply"), "17");
    CHECK_TEXT(command_value("SIZE", "a", "path"), "/pub/a");
    CHECK_TEXT(command_value("RETR", "a", "preliminary_code"), "150");
    CHECK_TEXT(command_value("CDUP", NULL, "reply"), "up");
    CHECK_TEXT(command_value("DELE", "b", "reply_code"), "550");
    CHECK_TEXT(command_value("DELE", "b", "path"), "/b");
}

/* A line that is no reply may have stood for one: what is behind it keeps its own. */
UNIT_TEST(ftp_malformed_reply_shifts_nothing)
{
    const struct step steps[] = {
        LOGIN, CLIENT("NOOP\r\n"), SERVER("OK fine\r\n"), CLIENT("PWD\r\n"), SERVER("257 \"/x\"\r\n"), CLIENT("SIZE a\r\n"), SERVER("213 4\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("NOOP", NULL, "reply_code"), "");
    CHECK_TEXT(command_value("PWD", NULL, "reply_code"), "257");
    CHECK_TEXT(command_value("SIZE", "a", "reply"), "4");
    CHECK_TEXT(command_value("SIZE", "a", "path"), "/x/a");
}

/* A line of chatter before the reply costs nothing either. */
UNIT_TEST(ftp_chatter_before_a_reply)
{
    const struct step steps[] = {
        LOGIN, CLIENT("NOOP\r\n"), SERVER("hello there\r\n"), SERVER("200 ok\r\n"), CLIENT("PWD\r\n"), SERVER("257 \"/x\"\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("NOOP", NULL, "reply_code"), "200");
    CHECK_TEXT(command_value("PWD", NULL, "reply_code"), "257");
}

/* Some servers answer RETR and ABOR with one reply. */
UNIT_TEST(ftp_one_reply_for_two_commands)
{
    const struct step steps[] = {
        LOGIN,
        CLIENT("RETR a\r\n"),
        SERVER("150 comes\r\n"),
        CLIENT("\xff\xf4\xff\xf2"
               "ABOR\r\n"),
        SERVER("226 Abort successful\r\n"),
        CLIENT("PWD\r\n"),
        SERVER("257 \"/x\"\r\n"),
        CLIENT("SYST\r\n"),
        SERVER("215 UNIX\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("RETR", "a", "reply_code"), "226");
    CHECK_TEXT(command_value("ABOR", NULL, "reply_code"), "");
    CHECK_TEXT(command_value("PWD", NULL, "reply_code"), "257");
    CHECK_TEXT(session_value("system"), "UNIX");
}

UNIT_TEST(ftp_server_says_more_than_was_asked)
{
    const struct step steps[] = {
        LOGIN,
        SERVER("421 Timeout, closing\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(session_value("last_reply"), "421 Timeout, closing");
    CHECK_TEXT(command_value("PASS", NULL, "reply_code"), "230");
    CHECK_TEXT(session_value("auth_result"), "success");
}

UNIT_TEST(ftp_over_long_lines)
{
    static char line[6000];
    struct step steps[] = {
        LOGIN, CLIENT("SIZE "), SAYS_BYTES(FROM_CLIENT, line, sizeof line), SERVER("500 too long\r\n"), CLIENT("NOOP\r\n"), SERVER("200 ok\r\n")};

    memset(line, 'a', sizeof line);
    line[sizeof line - 1] = '\n';
    PLAY(21, steps);
    CHECK_TEXT(command_value("SIZE", NULL, "reply_code"), "500");
    CHECK_TEXT(command_value("NOOP", NULL, "reply_code"), "200");
    CHECK(strcmp(finding("line_too_long"), "(none)") != 0);
}

UNIT_TEST(ftp_one_side_only)
{
    const struct step client[] = {CLIENT("USER alice\r\n"), CLIENT("PASS secret\r\n"), CLIENT("CWD /pub\r\n"), CLIENT("DELE a\r\n"),
                                  CLIENT("DELE /b\r\n")};
    const struct step server[] = {SERVER("220 FTP\r\n"), SERVER("331 password\r\n"), SERVER("230 in\r\n"), SERVER("257 \"/home\"\r\n")};

    dialogue_play(&(struct dialogue){.server_port = 21, .lacks_start = {false, true}, .steps = client, .count = 5});
    CHECK(dialogue_rows("ftp_command") == 5);
    CHECK_TEXT(command_value("DELE", "a", "reply_code"), "");
    CHECK_TEXT(command_value("DELE", "a", "path"), ""); /* whether CWD was accepted is not known */
    CHECK_TEXT(command_value("DELE", "/b", "path"), "/b");
    CHECK_TEXT(session_value("auth_result"), "");
    dialogue_play(&(struct dialogue){.server_port = 21, .lacks_start = {true, false}, .steps = server, .count = 4});
    CHECK(dialogue_rows("ftp_command") == 0);
    CHECK_TEXT(session_value("banner"), "FTP");
    CHECK_TEXT(session_value("auth_result"), "success");
    CHECK_TEXT(session_value("login_attempts"), "1");
    CHECK_TEXT(session_value("last_reply"), "257 \"/home\"");
}

UNIT_TEST(ftp_gap_of_the_client)
{
    const struct step steps[] = {
        LOGIN,
        HOME,
        MISSES(FROM_CLIENT, 20),
        CLIENT("DELE a\r\n"),
        SERVER("250 ok\r\n"),
        SERVER("250 ok\r\n"),
        HOME,
        CLIENT("DELE b\r\n"),
        SERVER("250 ok\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("DELE", "a", "path"), ""); /* a CWD may be missing */
    CHECK_TEXT(command_value("DELE", "b", "path"), "/home/alice/b");
    CHECK_TEXT(command_value("DELE", "b", "reply_code"), "250");
}

UNIT_TEST(ftp_gap_of_the_server)
{
    const struct step steps[] = {
        LOGIN, HOME, CLIENT("CWD sub\r\n"), MISSES(FROM_SERVER, 20), CLIENT("DELE a\r\n"), SERVER("250 deleted\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("CWD", "sub", "reply_code"), "");
    CHECK_TEXT(command_value("CWD", "sub", "path"), "/home/alice/sub");
    CHECK_TEXT(command_value("DELE", "a", "reply"), "deleted");
    CHECK_TEXT(command_value("DELE", "a", "path"), "");
}

/* RFC 959, 4.1.3: what is asked while data travels may be answered before the transfer is. */
UNIT_TEST(ftp_answered_while_data_travels)
{
    const struct step steps[] = {
        LOGIN,
        CLIENT("RETR a\r\n"),
        SERVER("150 comes\r\n"),
        CLIENT("STAT\r\n"),
        SERVER("213 half of it\r\n"),
        CLIENT("NOOP\r\n"),
        SERVER("200 yes\r\n"),
        CLIENT("ABOR\r\n"),
        SERVER("426 aborted\r\n"),
        SERVER("226 as you like\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("STAT", NULL, "reply"), "half of it");
    CHECK_TEXT(command_value("NOOP", NULL, "reply"), "yes");
    CHECK_TEXT(command_value("RETR", "a", "reply_code"), "426");
    CHECK_TEXT(command_value("ABOR", NULL, "reply_code"), "226");
}

/* ---- logging in ---- */

UNIT_TEST(ftp_passwords_only_where_asked_for)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),   CLIENT("USER alice\r\n"),   SERVER("331 password\r\n"), CLIENT("PASS secret\r\n"),
        SERVER("332 account\r\n"), CLIENT("ACCT payroll\r\n"), SERVER("230 in\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(session_value("password"), "");
    CHECK_TEXT(command_value("PASS", NULL, "argument"), "");
    CHECK_TEXT(command_value("ACCT", NULL, "argument"), "");
    CHECK_TEXT(session_value("auth_result"), "success");
    CHECK_TEXT(session_value("login_attempts"), "1");
    CHECK_TEXT(finding("plaintext_credentials"), "the password of alice was sent in the clear");
    dialogue_play(&(struct dialogue){.server_port = 21, .steps = steps, .count = 7, .recording = {.passwords = true}});
    CHECK_TEXT(session_value("password"), "secret");
    CHECK_TEXT(command_value("PASS", NULL, "argument"), "secret");
    CHECK_TEXT(command_value("ACCT", NULL, "argument"), "payroll");
}

UNIT_TEST(ftp_password_that_the_server_repeats)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),
        CLIENT("USER alice\r\n"),
        SERVER("331 password\r\n"),
        CLIENT("PASS secret\r\n"),
        SERVER("500 'PASS secret': command not understood\r\n"),
    };
    const struct step brief[] = {
        SERVER("220 ready\r\n"), CLIENT("USER alice\r\n"), SERVER("331 password\r\n"), CLIENT("PASS in\r\n"), SERVER("530 Login incorrect\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("PASS", NULL, "reply_code"), "500");
    CHECK_TEXT(command_value("PASS", NULL, "reply"), "");
    CHECK_TEXT(session_value("last_reply"), "500");
    PLAY(21, brief);
    CHECK_TEXT(command_value("PASS", NULL, "reply"), "Login incorrect");
}

UNIT_TEST(ftp_passwords_of_site)
{
    const struct step steps[] = {LOGIN, CLIENT("SITE PSWD older newer\r\n"), SERVER("200 changed to older newer\r\n")};

    PLAY(21, steps);
    CHECK_TEXT(command_value("SITE", NULL, "argument"), "PSWD");
    CHECK_TEXT(command_value("SITE", NULL, "reply"), "");
    CHECK_TEXT(session_value("last_reply"), "200");
}

UNIT_TEST(ftp_anonymous)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),
        CLIENT("USER Anonymous\r\n"),
        SERVER("331 address\r\n"),
        CLIENT("PASS a@b.example\r\n"),
        SERVER("230 in\r\n"),
        CLIENT("CWD /incoming\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("DELE x\r\n"),
        SERVER("550 no\r\n"),
        CLIENT("MKD y\r\n"),
        SERVER("257 \"/incoming/y\" created\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(session_value("password"), "a@b.example");
    CHECK_TEXT(command_value("PASS", NULL, "argument"), "a@b.example");
    CHECK_TEXT(finding("plaintext_credentials"), "(none)");
    CHECK_TEXT(finding("ftp_anonymous_write"), "the server let an anonymous user write: MKD y");
}

UNIT_TEST(ftp_logged_in_by_the_name_alone)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"), CLIENT("USER guest\r\n"), SERVER("230 in\r\n"), CLIENT("PASS x\r\n"), SERVER("202 superfluous\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(session_value("auth_result"), "success");
    CHECK_TEXT(session_value("login_attempts"), "1");
}

UNIT_TEST(ftp_several_logins)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),        CLIENT("PASS early\r\n"), SERVER("503 USER first\r\n"), CLIENT("USER alice\r\n"), SERVER("331 password\r\n"),
        CLIENT("PASS wrong\r\n"),       SERVER("530 no\r\n"),     CLIENT("PASS wrong2\r\n"),    SERVER("530 no\r\n"),     CLIENT("USER bob\r\n"),
        SERVER("530 no such user\r\n"), CLIENT("USER carol\r\n"), SERVER("331 password\r\n"),   CLIENT("PASS right\r\n"), SERVER("230 in\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(session_value("user"), "carol");
    CHECK_TEXT(session_value("auth_result"), "success");
    CHECK_TEXT(session_value("login_attempts"), "5");
}

UNIT_TEST(ftp_begins_anew)
{
    const struct step steps[] = {
        LOGIN,
        HOME,
        CLIENT("DELE a\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("REIN\r\n"),
        SERVER("220 ready again\r\n"),
        CLIENT("USER bob\r\n"),
        SERVER("331 password\r\n"),
        CLIENT("PASS other\r\n"),
        SERVER("230 in\r\n"),
        CLIENT("DELE b\r\n"),
        SERVER("250 ok\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("DELE", "a", "path"), "/home/alice/a");
    CHECK_TEXT(command_value("DELE", "b", "path"), "");
    CHECK_TEXT(session_value("user"), "bob");
    CHECK_TEXT(session_value("banner"), "ready");
    CHECK_TEXT(session_value("login_attempts"), "2");
}

/* What answers a challenge is used once: reading it helps nobody. */
UNIT_TEST(ftp_one_time_password)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),  CLIENT("USER alice\r\n"), SERVER("331 otp-md5 99 ke1234 ext Password required\r\n"),
        CLIENT("PASS A B C\r\n"), SERVER("230 in\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(finding("plaintext_credentials"), "(none)");
}

UNIT_TEST(ftp_what_both_say_of_themselves)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),
        CLIENT("HOST ftp.example\r\n"),
        SERVER("220 welcome\r\n"),
        CLIENT("CLNT tester 1.0\r\n"),
        SERVER("200 noted\r\n"),
        CLIENT("FEAT\r\n"),
        SERVER("211-Features:\r\n MDTM\r\n REST STREAM\r\n MLST type*;size*;\r\n211 End\r\n"),
        CLIENT("SYST\r\n"),
        SERVER("215 UNIX Type: L8\r\n"),
        CLIENT("OPTS UTF8 ON\r\n"),
        SERVER("200 on\r\n"),
        CLIENT("LANG en\r\n"),
        SERVER("200 en\r\n"),
    };
    const struct step none[] = {SERVER("220 ready\r\n"), CLIENT("HOST other\r\n"), SERVER("504 unknown\r\n"), CLIENT("FEAT\r\n"),
                                SERVER("211 none\r\n")};

    PLAY(21, steps);
    CHECK_TEXT(session_value("host"), "ftp.example");
    CHECK_TEXT(session_value("client_software"), "tester 1.0");
    CHECK_TEXT(session_value("features"), "MDTM\\nREST STREAM\\nMLST type*;size*;");
    CHECK_TEXT(session_value("system"), "UNIX Type: L8");
    PLAY(21, none);
    CHECK_TEXT(session_value("host"), "");
    CHECK_TEXT(session_value("features"), "");
}

/* ---- paths ---- */

UNIT_TEST(ftp_paths_follow_the_directory)
{
    const struct step steps[] = {
        LOGIN,
        CLIENT("SIZE early\r\n"),
        SERVER("213 1\r\n"),
        HOME,
        CLIENT("SIZE ../x/./y\r\n"),
        SERVER("213 1\r\n"),
        CLIENT("CWD sub dir\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("MKD  two\r\n"),
        SERVER("257 \"/home/alice/sub dir/ two\" created\r\n"),
        CLIENT("XCUP\r\n"),
        SERVER("200 ok\r\n"),
        CLIENT("RNFR a\r\n"),
        SERVER("350 go on\r\n"),
        CLIENT("RNTO /b\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("MDTM 20240131120000 c\r\n"),
        SERVER("253 ok\r\n"),
        CLIENT("MFMT 20240131120000 d\r\n"),
        SERVER("213 ok\r\n"),
        CLIENT("SITE CHMOD 644 e\r\n"),
        SERVER("200 ok\r\n"),
        CLIENT("SITE UTIME f 20240131120000 20240131120000 20240131120000 UTC\r\n"),
        SERVER("200 ok\r\n"),
        CLIENT("STAT -la g\r\n"),
        SERVER("213-Status\r\n-rw-r--r-- 1 a a 1 Jan  1 00:00 g\r\n213 End\r\n"),
        CLIENT("CWD ~bob\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("DELE h\r\n"),
        SERVER("250 ok\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("SIZE", "early", "path"), "");
    CHECK_TEXT(command_value("SIZE", "../x/./y", "path"), "/home/x/y");
    CHECK_TEXT(command_value("CWD", "sub dir", "path"), "/home/alice/sub dir");
    CHECK_TEXT(command_value("MKD", " two", "path"), "/home/alice/sub dir/ two");
    CHECK_TEXT(command_value("RNFR", "a", "path"), "/home/alice/a");
    CHECK_TEXT(command_value("RNTO", "/b", "path"), "/b");
    CHECK_TEXT(command_value("MDTM", NULL, "path"), "/home/alice/c");
    CHECK_TEXT(command_value("MFMT", NULL, "path"), "/home/alice/d");
    CHECK_TEXT(command_value("SITE", "CHMOD 644 e", "path"), "/home/alice/e");
    CHECK_TEXT(command_value("SITE", "UTIME f 20240131120000 20240131120000 20240131120000 UTC", "path"), "/home/alice/f");
    CHECK_TEXT(command_value("STAT", "-la g", "path"), "/home/alice/g");
    CHECK_TEXT(command_value("CWD", "~bob", "path"), "");
    CHECK_TEXT(command_value("DELE", "h", "path"), "");
}

UNIT_TEST(ftp_refused_changes_of_directory)
{
    const struct step steps[] = {
        LOGIN, HOME, CLIENT("CWD /nowhere\r\n"), SERVER("550 no\r\n"), CLIENT("SIZE a\r\n"), SERVER("213 1\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("SIZE", "a", "path"), "/home/alice/a");
}

UNIT_TEST(ftp_directory_that_the_server_states)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),
        CLIENT("USER alice\r\n"),
        SERVER("331 password\r\n"),
        CLIENT("PASS secret\r\n"),
        SERVER("230-Read the \"/rules\" directory\r\n230 OK. Current restricted directory is /\r\n"),
        CLIENT("SIZE a\r\n"),
        SERVER("213 1\r\n"),
        CLIENT("CWD link\r\n"),
        SERVER("250 OK. Current directory is /real/place\r\n"),
        CLIENT("SIZE b\r\n"),
        SERVER("213 1\r\n"),
        CLIENT("CDUP\r\n"),
        SERVER("250 CDUP successful. \"/real\" is current directory.\r\n"),
        CLIENT("SIZE c\r\n"),
        SERVER("213 1\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("SIZE", "a", "path"), "/a");
    CHECK_TEXT(command_value("SIZE", "b", "path"), "/real/place/b");
    CHECK_TEXT(command_value("SIZE", "c", "path"), "/real/c");
}

UNIT_TEST(ftp_odd_names)
{
    const struct step steps[] = {
        LOGIN,
        CLIENT("PWD\r\n"),
        SERVER("257 \"/a \"\"b\"\"\" is it\r\n"),
        CLIENT("DELE tab\there\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("DELE \xe4\xff\xff\r\n"),
        SERVER("250 ok\r\n"),
        CLIENT("RMD cr\r\0x\r\n"),
        SERVER("250 ok\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("DELE", "tab\\there", "path"), "/a \"b\"/tab\\there");
    CHECK_TEXT(command_value("DELE", "\\xe4\\xff", "path"), "/a \"b\"/\\xe4\\xff"); /* IAC IAC is one byte */
    CHECK_TEXT(command_value("RMD", NULL, "path"), "/a \"b\"/cr\rx");
}

UNIT_TEST(ftp_unique_names)
{
    const struct step steps[] = {
        LOGIN, HOME, CLIENT("STOU\r\n"), SERVER("150-FILE: made.1\r\n150 Accepted data connection\r\n"), SERVER("226 done\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(command_value("STOU", NULL, "path"), "/home/alice/made.1");
    CHECK_TEXT(dialogue_value("ftp_transfer", 0, "path"), "/home/alice/made.1");
}

/* ---- TLS ---- */

#define RECORD "\x17\x03\x03\0\x04quit"
#define HELLO "\x16\x03\x03\0\x04\x01\0\0\0"
#define ALERT "\x15\x03\x03\0\x02\x01\0"

UNIT_TEST(ftp_text_behind_tls)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"), CLIENT("AUTH TLS\r\n"), SERVER("234 go on\r\n"),    CLIENT(RECORD),       SERVER(RECORD RECORD),
        CLIENT(RECORD ALERT),    CLIENT("CWD /pub\r\n"), SERVER(ALERT "250 ok\r\n"), CLIENT("SIZE a\r\n"), SERVER("213 1\r\n"),
    };

    PLAY(21, steps);
    CHECK(dialogue_rows("ftp_session") == 1);
    CHECK(dialogue_rows("tls_session") == 1);
    CHECK_TEXT(session_value("encryption"), "explicit");
    CHECK_TEXT(session_value("commands"), "3");
    CHECK_TEXT(session_value("banner"), "ready");
    CHECK_TEXT(command_value("AUTH", "TLS", "reply_code"), "234");
    CHECK_TEXT(command_value("SIZE", "a", "path"), "/pub/a");
    CHECK_TEXT(finding("ftp_tls_not_begun"), "(none)");
}

UNIT_TEST(ftp_commands_smuggled_behind_auth)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"), CLIENT("AUTH TLS\r\nUSER mallory\r\n"), SERVER("234 go on\r\n"), CLIENT(HELLO), SERVER(RECORD),
    };

    PLAY(21, steps);
    CHECK(dialogue_rows("ftp_session") == 1);
    CHECK_TEXT(dialogue_protocol(), "tls");
    CHECK_TEXT(command_value("AUTH", "TLS", "reply_code"), "234");
    CHECK_TEXT(command_value("USER", "mallory", "reply_code"), "");
    CHECK(strcmp(finding("ftp_starttls_injection"), "(none)") != 0);
    CHECK_TEXT(session_value("encryption"), "explicit");
}

UNIT_TEST(ftp_tls_that_never_began)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),    CLIENT("AUTH TLS\r\n"),    SERVER("234 go on\r\n"), CLIENT("USER alice\r\n"),
        SERVER("331 password\r\n"), CLIENT("PASS secret\r\n"), SERVER("230 in\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(session_value("user"), "alice");
    CHECK_TEXT(session_value("auth_result"), "success");
    CHECK(strcmp(finding("ftp_tls_not_begun"), "(none)") != 0);
    CHECK(strcmp(finding("plaintext_credentials"), "(none)") != 0);
    CHECK(dialogue_rows("tls_session") == 0);
}

UNIT_TEST(ftp_auth_that_was_refused)
{
    const struct step steps[] = {
        SERVER("220 ready\r\n"),    CLIENT("AUTH TLS\r\n"),    SERVER("502 no\r\n"), CLIENT("USER alice\r\n"),
        SERVER("331 password\r\n"), CLIENT("PASS secret\r\n"), SERVER("230 in\r\n"),
    };

    PLAY(21, steps);
    CHECK_TEXT(session_value("encryption"), "none");
    CHECK_TEXT(finding("plaintext_credentials"), "the password of alice was sent in the clear, after the server refused AUTH");
}

/* ---- commands that break in ---- */

UNIT_TEST(ftp_hostile_commands)
{
    const struct step before[] = {SERVER("220 ready\r\n"), CLIENT("SITE CPFR /etc/passwd\r\n"), SERVER("350 go on\r\n")};
    const struct step after[] = {LOGIN, CLIENT("SITE CPFR /etc/passwd\r\n"), SERVER("350 go on\r\n")};
    const struct step door[] = {SERVER("220 ready\r\n"), CLIENT("USER a:)\r\n"), SERVER("331 password\r\n")};
    const struct step program[] = {LOGIN, CLIENT("SITE EXEC /bin/id\r\n"), SERVER("500 no\r\n")};

    PLAY(21, before);
    CHECK_TEXT(finding("ftp_hostile_command"), "SITE CPFR /etc/passwd: copies files without a login (CVE-2015-3306); the server agreed");
    PLAY(21, after);
    CHECK_TEXT(finding("ftp_hostile_command"), "(none)");
    PLAY(21, door);
    CHECK(strcmp(finding("ftp_hostile_command"), "(none)") != 0);
    PLAY(21, program);
    CHECK_TEXT(finding("ftp_hostile_command"), "SITE EXEC /bin/id: runs a program on the server; the server refused");
}

UNIT_TEST(ftp_paths_above_the_root)
{
    const struct step deep[] = {LOGIN, HOME, CLIENT("RETR ../../../../etc/passwd\r\n"), SERVER("550 no\r\n")};
    const struct step near_by[] = {LOGIN, HOME, CLIENT("RETR ../../x\r\n"), SERVER("550 no\r\n"), CLIENT("CWD ../../..\r\n"), SERVER("250 ok\r\n")};

    PLAY(21, deep);
    CHECK_TEXT(finding("ftp_path_traversal"), "RETR ../../../../etc/passwd: climbs above the root; the server refused");
    PLAY(21, near_by);
    CHECK_TEXT(finding("ftp_path_traversal"), "(none)");
}

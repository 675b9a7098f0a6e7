/* test_http.c - dissectors/http*.c: requests and answers as they are seldom recorded. */
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"

#include <stdio.h>
#include <string.h>

/* The example handshake of RFC 6455, 1.2 */
#define UPGRADE \
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define UPGRADED \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define GET(TARGET) "GET " TARGET " HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK_WITH(BODY, LENGTH) "HTTP/1.1 200 OK\r\nContent-Length: " LENGTH "\r\n\r\n" BODY

#define REQUEST(ROW, COLUMN) dialogue_value("http_request", (ROW)-1, COLUMN)
#define SESSION(COLUMN) dialogue_value("websocket_session", 0, COLUMN)
#define MESSAGE(NUMBER, COLUMN) dialogue_value("websocket_message", (NUMBER)-1, COLUMN)
#define FINDING(COLUMN) dialogue_value("finding", 0, COLUMN)
#define REQUESTS dialogue_rows("http_request")

UNIT_TEST(http_requests_have_their_own_answers)
{
    const struct step steps[] = {
        CLIENT("GET /one?q HTTP/1.1\r\nHost: h.example\r\nUser-Agent: agent/1\r\nReferer: http://r/\r\n\r\n"
               "POST /two HTTP/1.1\r\nhost:\th.example \r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3;name=\"v\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
               "HEAD /three HTTP/1.0\r\n\r\n"),
        SERVER("HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nnone"),
        SERVER("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
               "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        CLIENT("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
        SERVER("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"),
        CLIENT("GET http://u@other.example:81/x HTTP/1.0\r\n\r\n"),
        SERVER("HTTP/1.0  200\r\n\r\nuntil "),
        SERVER("the close"),
        {.from = FROM_SERVER, .ends = true},
    };

    PLAY(8080, steps);
    CHECK_TEXT(dialogue_protocol(), "http");
    CHECK(REQUESTS == 5);
    CHECK(dialogue_rows("finding") == 0);
    CHECK_TEXT(REQUEST(1, "number"), "1");
    CHECK_TEXT(REQUEST(1, "time_us"), "1");
    CHECK_TEXT(REQUEST(1, "version"), "1.1");
    CHECK_TEXT(REQUEST(1, "method"), "GET");
    CHECK_TEXT(REQUEST(1, "host"), "h.example");
    CHECK_TEXT(REQUEST(1, "uri"), "/one?q");
    CHECK_TEXT(REQUEST(1, "user_agent"), "agent/1");
    CHECK_TEXT(REQUEST(1, "referrer"), "http://r/");
    CHECK_TEXT(REQUEST(1, "status"), "404");
    CHECK_TEXT(REQUEST(1, "request_size"), "0");
    CHECK_TEXT(REQUEST(1, "response_size"), "4");
    CHECK_TEXT(REQUEST(1, "response_type"), "text/html");
    CHECK_TEXT(REQUEST(1, "delay_us"), "1");
    CHECK_TEXT(REQUEST(1, "complete"), "1");
    CHECK_TEXT(REQUEST(2, "host"), "h.example");
    CHECK_TEXT(REQUEST(2, "request_type"), "text/plain");
    CHECK_TEXT(REQUEST(2, "request_size"), "13");
    CHECK_TEXT(REQUEST(2, "status"), "201");
    CHECK_TEXT(REQUEST(2, "response_size"), "2");
    CHECK_TEXT(REQUEST(3, "version"), "1.0");
    CHECK_TEXT(REQUEST(3, "response_size"), "0");
    CHECK_TEXT(REQUEST(3, "complete"), "1");
    CHECK_TEXT(REQUEST(4, "uri"), "*");
    CHECK_TEXT(REQUEST(4, "status"), "204");
    CHECK_TEXT(REQUEST(5, "host"), "other.example:81");
    CHECK_TEXT(REQUEST(5, "uri"), "http://u@other.example:81/x");
    CHECK_TEXT(REQUEST(5, "response_size"), "15");
    CHECK_TEXT(REQUEST(5, "complete"), "1");
}

UNIT_TEST(http_logins_are_named)
{
    const struct step steps[] = {
        CLIENT(GET("/")),
        SERVER("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"),
        CLIENT("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YWxpY2U6c2VjcmV0OjE=\r\n\r\n"),
        SERVER(OK_WITH("ok", "2")),
        CLIENT("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Digest realm=\"r\", username=\"bob\", uri=\"/\"\r\n\r\n"),
        SERVER(OK_WITH("ok", "2")),
        CLIENT("GET / HTTP/1.1\r\nHost: h\r\nProxy-Authorization: bearer abc.def\r\n\r\n"),
        SERVER(OK_WITH("ok", "2")),
    };

    dialogue_play(&(struct dialogue){.server_port = 80, .steps = steps, .count = sizeof steps / sizeof steps[0], .recording = {.passwords = true}});
    CHECK_TEXT(REQUEST(1, "status"), "401");
    CHECK_TEXT(REQUEST(1, "auth_scheme"), "");
    CHECK_TEXT(REQUEST(2, "auth_scheme"), "Basic");
    CHECK_TEXT(REQUEST(2, "auth_user"), "alice");
    CHECK_TEXT(REQUEST(2, "auth_password"), "secret:1");
    CHECK_TEXT(REQUEST(2, "status"), "200");
    CHECK_TEXT(REQUEST(3, "auth_user"), "bob");
    CHECK_TEXT(REQUEST(3, "auth_password"), "");
    CHECK_TEXT(REQUEST(4, "auth_scheme"), "bearer");
    CHECK_TEXT(REQUEST(4, "auth_password"), "abc.def");
    PLAY(80, steps);
    CHECK_TEXT(REQUEST(2, "auth_user"), "alice");
    CHECK_TEXT(REQUEST(2, "auth_password"), "");
}

UNIT_TEST(http_bodies_are_told_apart_from_heads)
{
    const struct step steps[] = {
        CLIENT("POST / HTTP/1.1\r\nContent-Length: 19\r\n\r\nGET /no HTTP/1.1\r\n\n\r\n" UPGRADE),
        SERVER("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n" UPGRADED "\x81\x01y"),
    };
    const struct step missing[] = {
        CLIENT(GET("/big") UPGRADE),
        SERVER("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\nabc"),
        MISSES(FROM_SERVER, 4999999990),
        SERVER("defghij" UPGRADED "\x81\x01y"),
    };

    PLAY(80, steps);
    CHECK_TEXT(MESSAGE(1, "text"), "y");
    CHECK(REQUESTS == 2);
    CHECK_TEXT(REQUEST(1, "request_size"), "19");
    CHECK_TEXT(REQUEST(2, "upgrade"), "websocket");
    CHECK_TEXT(REQUEST(2, "status"), "101");
    PLAY(80, missing);
    CHECK_TEXT(MESSAGE(1, "text"), "y");
    CHECK_TEXT(REQUEST(1, "response_size"), "5000000000");
    CHECK_TEXT(REQUEST(1, "missing"), "4999999990");
    CHECK_TEXT(REQUEST(1, "complete"), "1");
}

/* What others could read otherwise; the last line says what a body of the one reading, and a request of the other, is. */
static void check_ambiguous(const char *head, const char *detail)
{
    char request[512];
    struct step steps[] = {SAYS_BYTES(FROM_CLIENT, request, 0), SERVER("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")};
    int length = snprintf(request, sizeof request, "POST /a HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n", head);

    steps[0].says.length = (size_t)length;
    PLAY(80, steps);
    CHECK_TEXT(FINDING("name"), "http_framing_ambiguous");
    CHECK_TEXT(FINDING("severity"), "warning");
    if (!CHECK(strstr(FINDING("detail"), detail) != NULL))
        printf("        %s: %s\n", head, FINDING("detail"));
    CHECK_TEXT(REQUEST(1, "status"), "400");
}

UNIT_TEST(http_ambiguous_framing_is_told)
{
    check_ambiguous("Content-Length: 6\r\nTransfer-Encoding: chunked", "both");
    CHECK(REQUESTS == 2); /* chunked has precedence */
    check_ambiguous("Content-Length: 6\r\nContent-Length: 5", "differ");
    CHECK(REQUESTS == 1);
    CHECK_TEXT(REQUEST(1, "request_size"), "");
    CHECK_TEXT(REQUEST(1, "complete"), "0");
    check_ambiguous("Content-Length: 6, 7", "differ");
    check_ambiguous("Content-Length: +6", "no number");
    check_ambiguous("Content-Length:", "empty");
    check_ambiguous("Content-Length : 5", "white space before a colon");
    check_ambiguous("Transfer-Encoding : chunked", "white space before a colon");
    check_ambiguous("Transfer-Encoding:\r\n chunked", "folded");
    check_ambiguous("Transfer-Encoding: xchunked", "does not end in chunked");
    CHECK(REQUESTS == 1);
    check_ambiguous("Transfer-Encoding: chunked, identity", "behind chunked");
    check_ambiguous("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "behind chunked");
}

UNIT_TEST(http_chunks_that_cannot_be_end_the_side)
{
    const struct step client[] = {
        CLIENT("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n-1\r\n" UPGRADE),
        SERVER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" "HTTP/1.1 500 Strange\r\n\r\n"),
    };
    const struct step server[] = {
        CLIENT(GET("/")),
        SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
        CLIENT(GET("/next")),
        SERVER(OK_WITH("ok", "2")),
    };

    PLAY(80, client);
    CHECK_TEXT(FINDING("name"), "http_framing_ambiguous");
    CHECK(dialogue_rows("websocket_session") == 0);
    CHECK_TEXT(REQUEST(1, "status"), "500"); /* whatever it answers */
    CHECK_TEXT(REQUEST(1, "method"), "");
    CHECK_TEXT(REQUEST(2, "number"), "1");
    CHECK_TEXT(REQUEST(2, "status"), "200");
    PLAY(80, server);
    CHECK_TEXT(REQUEST(1, "response_size"), "");
    CHECK_TEXT(REQUEST(1, "complete"), "0");
    CHECK_TEXT(REQUEST(2, "uri"), "/next");
    CHECK_TEXT(REQUEST(2, "status"), "200");
    CHECK_TEXT(REQUEST(2, "response_size"), "2");
}

UNIT_TEST(http_odd_heads_are_read_and_told)
{
    const struct step folded[] = {CLIENT("GET / HTTP/1.1\r\nUser-Agent: a\r\n\tb\r\n   c\r\nHost: h\r\n\r\n"), SERVER(OK_WITH("", "0"))};
    const struct step bare[] = {CLIENT("GET / HTTP/1.1\nHost: h\n\n"), SERVER("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")};
    const struct step colon[] = {CLIENT("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), SERVER(OK_WITH("", "0"))};
    const struct step without[] = {CLIENT("GET / HTTP/1.1\r\nnonsense\r\nHost: h\r\n\r\n"), SERVER(OK_WITH("", "0"))};
    const struct step twice[] = {CLIENT("POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"), SERVER(OK_WITH("", "0"))};

    PLAY(80, folded);
    CHECK_TEXT(REQUEST(1, "user_agent"), "a b c");
    CHECK_TEXT(REQUEST(1, "host"), "h");
    CHECK_TEXT(FINDING("name"), "http_head_malformed");
    PLAY(80, bare);
    CHECK_TEXT(REQUEST(1, "host"), "h");
    CHECK_TEXT(REQUEST(1, "response_size"), "2");
    CHECK_TEXT(FINDING("name"), "http_bare_line_feed");
    PLAY(80, colon);
    CHECK_TEXT(REQUEST(1, "host"), "h");
    CHECK_TEXT(FINDING("name"), "http_head_malformed");
    PLAY(80, without);
    CHECK_TEXT(REQUEST(1, "host"), "h");
    CHECK_TEXT(FINDING("name"), "http_head_malformed");
    PLAY(80, twice);
    CHECK_TEXT(REQUEST(1, "request_size"), "2");
    CHECK(dialogue_rows("finding") == 0);
}

UNIT_TEST(http_head_without_end_is_given_up)
{
    enum { FIELDS = 20000, FIELD = 17 };
    static char head[32 + FIELDS * FIELD];
    struct step steps[] = {SAYS_BYTES(FROM_CLIENT, head, 0), CLIENT("\r\n" GET("/next")), SERVER(OK_WITH("ok", "2"))};
    size_t length = (size_t)snprintf(head, sizeof head, "GET / HTTP/1.1\r\n");

    for (int i = 0; i < FIELDS; i++)
        length += (size_t)snprintf(head + length, sizeof head - length, "X-Field: %06d\r\n", i);
    steps[0].says.length = length;
    PLAY(80, steps);
    CHECK_TEXT(FINDING("name"), "http_head_too_long");
    CHECK_TEXT(REQUEST(1, "request_size"), "");
}

UNIT_TEST(http_long_lines_are_cut_and_told)
{
    enum { LONG = 20000 };
    static char cookie[LONG + 64];
    static char target[LONG + 64];
    struct step steps[] = {SAYS_BYTES(FROM_CLIENT, cookie, 0), CLIENT("\r\nHost: h\r\n\r\n"), SERVER(OK_WITH("", "0"))};
    struct step start[] = {SAYS_BYTES(FROM_CLIENT, target, 0), CLIENT(" HTTP/1.1\r\n\r\n" GET("/next")), SERVER(OK_WITH("ok", "2"))};
    size_t length = (size_t)snprintf(cookie, sizeof cookie, "GET / HTTP/1.1\r\nUser-Agent: ");

    memset(cookie + length, 'x', LONG);
    steps[0].says.length = length + LONG;
    PLAY(80, steps);
    CHECK_TEXT(REQUEST(1, "host"), "h");
    CHECK(strlen(REQUEST(1, "user_agent")) == 4096);
    CHECK_TEXT(FINDING("name"), "http_field_cut");

    length = (size_t)snprintf(target, sizeof target, "GET /");
    memset(target + length, 'x', LONG);
    start[0].says.length = length + LONG;
    PLAY(80, start);
    CHECK_TEXT(FINDING("name"), "http_out_of_step");
    CHECK(REQUESTS == 1);
    CHECK_TEXT(REQUEST(1, "uri"), "/next");
    CHECK_TEXT(REQUEST(1, "status"), "200");
}

UNIT_TEST(http_pipelines_beyond_its_limit_wait)
{
    enum { PIPELINED = 200 };
    static char requests[PIPELINED * 24 + sizeof UPGRADE];
    static char answers[PIPELINED * 40 + sizeof UPGRADED];
    struct step steps[] = {SAYS_BYTES(FROM_CLIENT, requests, 0), SAYS_BYTES(FROM_SERVER, answers, 0)};
    size_t asked = 0;
    size_t answered = 0;

    for (int i = 0; i < PIPELINED; i++) {
        asked += (size_t)snprintf(requests + asked, sizeof requests - asked, "HEAD /%d HTTP/1.1\r\n\r\n", i);
        answered += (size_t)snprintf(answers + answered, sizeof answers - answered, "HTTP/1.1 %d OK\r\n\r\n", 200 + i);
    }
    asked += (size_t)snprintf(requests + asked, sizeof requests - asked, "%s", UPGRADE);
    answered += (size_t)snprintf(answers + answered, sizeof answers - answered, "%s", UPGRADED);
    steps[0].says.length = asked;
    steps[1].says.length = answered;
    PLAY(80, steps);
    CHECK_TEXT(SESSION("accept_valid"), "1");
    CHECK(REQUESTS == PIPELINED + 1);
    CHECK_TEXT(REQUEST(150, "uri"), "/149");
    CHECK_TEXT(REQUEST(150, "status"), "349");

    /* nobody answers: they are not kept for ever */
    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {[FROM_SERVER] = true}, .steps = steps, .count = 1});
    CHECK(REQUESTS == PIPELINED + 1);
    CHECK_TEXT(REQUEST(150, "uri"), "/149");
    CHECK_TEXT(REQUEST(150, "status"), "");
}

UNIT_TEST(http_gap_ends_one_message_and_the_next_is_found)
{
    const struct step client[] = {
        CLIENT("POST /a HTTP/1.1\r\nHost: h\r\nContent-Le"), MISSES(FROM_CLIENT, 100), CLIENT("the end of a body\n"),
        SERVER(OK_WITH("ok", "2")), CLIENT(GET("/b")), SERVER("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    };
    const struct step server[] = {
        CLIENT(GET("/a")),  SERVER("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCon"), MISSES(FROM_SERVER, 100), SERVER("rest of a page\n"),
        CLIENT(GET("/b")), SERVER("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    };
    const struct step whole_answer[] = {
        CLIENT(GET("/a")), MISSES(FROM_SERVER, 400), CLIENT(GET("/b")), SERVER(OK_WITH("ok", "2")),
    };
    const struct step pipelined[] = {
        CLIENT(GET("/a") GET("/b") GET("/c")), MISSES(FROM_SERVER, 400), SERVER(OK_WITH("ok", "2")),
    };

    PLAY(80, client);
    CHECK(REQUESTS == 2);
    CHECK_TEXT(REQUEST(1, "uri"), "/a");
    CHECK_TEXT(REQUEST(1, "status"), "200");
    CHECK_TEXT(REQUEST(1, "request_size"), "");
    CHECK_TEXT(REQUEST(1, "missing"), "100");
    CHECK_TEXT(REQUEST(1, "complete"), "0");
    CHECK_TEXT(REQUEST(2, "uri"), "/b");
    CHECK_TEXT(REQUEST(2, "status"), "404");
    PLAY(80, server);
    CHECK_TEXT(REQUEST(1, "status"), "200");
    CHECK_TEXT(REQUEST(1, "response_type"), "text/html");
    CHECK_TEXT(REQUEST(1, "response_size"), "");
    CHECK_TEXT(REQUEST(1, "missing"), "100");
    CHECK_TEXT(REQUEST(2, "status"), "404");
    CHECK_TEXT(REQUEST(2, "complete"), "1");
    PLAY(80, whole_answer);
    CHECK_TEXT(REQUEST(1, "uri"), "/a");
    CHECK_TEXT(REQUEST(1, "status"), "");
    CHECK_TEXT(REQUEST(2, "uri"), "/b");
    CHECK_TEXT(REQUEST(2, "status"), "200");
    PLAY(80, pipelined);
    CHECK_TEXT(FINDING("name"), "http_answers_unmatched");
    CHECK(REQUESTS == 4);
    for (unsigned i = 1; i <= REQUESTS; i++)
        CHECK((REQUEST(i, "method")[0] == '\0') == (REQUEST(i, "status")[0] != '\0'));
}

UNIT_TEST(http_one_side_tells_what_it_can)
{
    const struct step client[] = {CLIENT(GET("/a")), CLIENT(GET("/b")), CLIENT(UPGRADE), CLIENT(GET("/c")), CLIENT(UPGRADE), CLIENT("\x81\x82\0\0\0\0" "up")};
    const struct step server[] = {SERVER(OK_WITH("ok", "2")), SERVER("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), SERVER(UPGRADED "\x81\x04" "down")};
    const struct step tunnel[] = {CLIENT("CONNECT h:22 HTTP/1.1\r\n\r\n"), CLIENT("SSH-2.0-OpenSSH_9.2\r\n")};

    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {[FROM_SERVER] = true}, .steps = client, .count = 6});
    CHECK(REQUESTS == 5);
    CHECK_TEXT(REQUEST(2, "uri"), "/b");
    CHECK_TEXT(REQUEST(2, "status"), "");
    CHECK_TEXT(REQUEST(4, "uri"), "/c");
    CHECK(dialogue_rows("websocket_session") == 2);
    CHECK_TEXT(MESSAGE(1, "text"), "up");
    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {[FROM_CLIENT] = true}, .steps = server, .count = 3});
    CHECK(REQUESTS == 3);
    CHECK_TEXT(REQUEST(1, "method"), "");
    CHECK_TEXT(REQUEST(1, "request_size"), "");
    CHECK_TEXT(REQUEST(1, "status"), "200");
    CHECK_TEXT(REQUEST(1, "response_size"), "2");
    CHECK_TEXT(REQUEST(2, "status"), "404");
    CHECK_TEXT(REQUEST(2, "version"), "1.1");
    CHECK_TEXT(MESSAGE(1, "text"), "down");
    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {[FROM_SERVER] = true}, .steps = tunnel, .count = 2});
    CHECK_TEXT(dialogue_protocol(), "ssh");
}

UNIT_TEST(http_unasked_answers_stand_alone)
{
    const struct step steps[] = {
        CLIENT(GET("/a")), SERVER(OK_WITH("ok", "2")), SERVER("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"),
        {.from = FROM_SERVER, .ends = true}, {.from = FROM_CLIENT, .ends = true},
    };
    const struct step early[] = {
        CLIENT("POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"), SERVER("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), CLIENT("defghij" GET("/b")),
        SERVER(OK_WITH("ok", "2")),
    };

    PLAY(80, steps);
    CHECK(REQUESTS == 2);
    CHECK_TEXT(REQUEST(2, "status"), "408");
    CHECK_TEXT(REQUEST(2, "method"), "");
    PLAY(80, early);
    CHECK_TEXT(REQUEST(1, "status"), "413");
    CHECK_TEXT(REQUEST(1, "request_size"), "10");
    CHECK_TEXT(REQUEST(1, "complete"), "1");
    CHECK_TEXT(REQUEST(2, "status"), "200");
}

UNIT_TEST(http_tunnels_go_back_to_identification)
{
    const struct step ssh[] = {
        CLIENT("CONNECT h:22 HTTP/1.1\r\nHost: h:22\r\n\r\n"), SERVER("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"),
        CLIENT("CONNECT h:22 HTTP/1.1\r\nHost: h:22\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
        SERVER("HTTP/1.1 200 Connection established\r\n\r\nSSH-2.0-OpenSSH_9.2\r\n"), CLIENT("SSH-2.0-OpenSSH_9.3\r\n"),
    };
    const struct step upgrade[] = {
        CLIENT("CONNECT a:80 HTTP/1.1\r\n\r\n" UPGRADE), SERVER("HTTP/1.1 200 OK\r\n\r\n" UPGRADED "\x81\x01y"), MISSES(FROM_SERVER, 5), SERVER("more"),
    };
    const struct step other[] = {
        CLIENT("OPTIONS * HTTP/1.1\r\nHost: h\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n"),
        SERVER("HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n"),
        CLIENT("SSH-2.0-OpenSSH_9.3\r\n"),
    };
    const struct step unasked[] = {CLIENT(GET("/")), SERVER("HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\n\r\n"), CLIENT("SSH-2.0-OpenSSH_9.3\r\n")};
    const struct step nothing[] = {CLIENT("CONNECT a:80 HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\n\r\n"), CLIENT("\1\2\3\4\5\6"), SERVER("\1\2\3\4")};

    PLAY(3128, ssh);
    CHECK_TEXT(dialogue_protocol(), "ssh");
    CHECK_TEXT(REQUEST(1, "status"), "407");
    CHECK_TEXT(REQUEST(2, "status"), "200");
    CHECK_TEXT(REQUEST(2, "auth_user"), "u");
    CHECK_TEXT(REQUEST(2, "response_size"), "0");
    CHECK_TEXT(REQUEST(2, "host"), "h:22");
    CHECK(dialogue_rows("ssh_session") == 1);
    PLAY(3128, upgrade);
    CHECK_TEXT(dialogue_protocol(), "websocket");
    CHECK(REQUESTS == 2);
    CHECK_TEXT(REQUEST(1, "host"), "a:80");
    CHECK_TEXT(REQUEST(2, "number"), "2");
    CHECK_TEXT(SESSION("accept_valid"), "1");
    CHECK_TEXT(MESSAGE(1, "text"), "y");
    PLAY(80, other);
    CHECK_TEXT(dialogue_protocol(), "ssh");
    CHECK_TEXT(REQUEST(1, "upgrade"), "TLS/1.0");
    CHECK_TEXT(REQUEST(1, "status"), "101");
    CHECK_TEXT(FINDING("name"), "ssh_unusual_port");
    PLAY(80, unasked);
    CHECK_TEXT(FINDING("name"), "http_upgrade_unasked");
    PLAY(80, nothing);
    CHECK_TEXT(dialogue_protocol(), "http");
    CHECK_TEXT(REQUEST(1, "status"), "200");
}

UNIT_TEST(http_upgrades_are_recorded_as_what_they_are)
{
    const struct step refused[] = {
        CLIENT(UPGRADE), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), CLIENT(UPGRADE), SERVER("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
        CLIENT(UPGRADE), SERVER("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"),
        CLIENT(UPGRADE), SERVER("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
    };
    const struct step wrong[] = {CLIENT(UPGRADE), SERVER("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n\x81\x01y")};
    const struct step keyless[] = {CLIENT("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\n\r\n"), SERVER(UPGRADED "\x81\x01y")};
    const struct step absolute[] = {
        CLIENT("GET http://h/chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               "Sec-WebSocket-Version: 13\r\n\r\n"), SERVER(UPGRADED "\x81\x01y"),
    };
    const struct step gap[] = {CLIENT(UPGRADE), MISSES(FROM_SERVER, 300), CLIENT("\x81\x82\0\0\0\0" "up")};

    PLAY(80, refused);
    CHECK(dialogue_rows("websocket_session") == 4);
    CHECK_TEXT(SESSION("status_code"), "200");
    CHECK_TEXT(dialogue_value("websocket_session", 1, "status_code"), "302");
    CHECK_TEXT(dialogue_value("websocket_session", 2, "status_code"), "426");
    CHECK_TEXT(dialogue_value("websocket_session", 3, "status_code"), "503");
    CHECK_TEXT(dialogue_value("websocket_session", 3, "attempt"), "4");
    CHECK(REQUESTS == 4);
    PLAY(80, wrong);
    CHECK_TEXT(SESSION("accept_valid"), "0");
    CHECK_TEXT(FINDING("name"), "websocket_accept_wrong");
    CHECK_TEXT(MESSAGE(1, "text"), "y");
    PLAY(80, keyless);
    CHECK_TEXT(SESSION("accept_valid"), "");
    CHECK_TEXT(FINDING("name"), "websocket_request_incomplete");
    CHECK(strstr(FINDING("detail"), "Sec-WebSocket-Key, Sec-WebSocket-Version, Connection") != NULL);
    CHECK_TEXT(MESSAGE(1, "text"), "y");
    PLAY(3128, absolute);
    CHECK_TEXT(SESSION("uri"), "http://h/chat");
    CHECK_TEXT(MESSAGE(1, "text"), "y");
    PLAY(80, gap);
    CHECK(dialogue_rows("websocket_session") == 1);
    CHECK_TEXT(SESSION("status_code"), "");
    CHECK_TEXT(MESSAGE(1, "text"), "up");
    CHECK_TEXT(SESSION("missing"), "300");
}

UNIT_TEST(http_upgrade_to_http2_is_answered_there)
{
    const struct step steps[] = {
        CLIENT("GET /two HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
        SERVER("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
               "\0\0\0\x04\0\0\0\0\0" /* SETTINGS */
               "\0\0\1\1\4\0\0\0\1\x88" /* HEADERS of stream 1: ":status: 200" */
               "\0\0\2\0\1\0\0\0\1ok"),
        CLIENT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
    };

    PLAY(80, steps);
    CHECK_TEXT(dialogue_protocol(), "http2");
    CHECK(REQUESTS == 1);
    CHECK_TEXT(REQUEST(1, "uri"), "/two");
    CHECK_TEXT(REQUEST(1, "upgrade"), "h2c");
    CHECK_TEXT(REQUEST(1, "status"), "200");
    CHECK_TEXT(REQUEST(1, "response_size"), "2");
    CHECK_TEXT(REQUEST(1, "number"), "1");
}

UNIT_TEST(http_begun_in_the_middle_is_found)
{
    const struct step steps[] = {
        SERVER("rest of a page\r\n"), CLIENT(GET("/a")), SERVER("more of it\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    };

    dialogue_play(&(struct dialogue){.server_port = 80, .lacks_start = {true, true}, .steps = steps, .count = 3});
    CHECK_TEXT(dialogue_protocol(), "http");
    CHECK(dialogue_rows("finding") == 0);
    CHECK_TEXT(REQUEST(1, "uri"), "/a");
    CHECK_TEXT(REQUEST(1, "status"), "200");
}

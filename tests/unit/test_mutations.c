/*
 * test_mutations.c - dialogues of every protocol, bent at random: bits, bytes, lengths, pieces that are lost, doubled,
 * exchanged or cut, gaps, one side only. Nothing of it may crash (the sanitizers watch, each delivery lies in memory of
 * its own), leak, write text that is not valid UTF-8, or read otherwise when the same bytes come in other pieces.
 *
 * The numbers come from the place of the round alone: each run does the same. The environment may ask for more:
 *     MUTATIONS=100000 tests/unit/unit_tests
 * runs so many rounds of each dialogue; MUTATIONS_FIRST is the first one.
 */
#include "base/cursor.h"
#include "base/text.h"
#include "dissectors/conversation.h"
#include "tests/unit/check.h"
#include "tests/unit/dialogue.h"
#include "tests/unit/rdp_script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 400 /* of each dialogue, unless MUTATIONS says otherwise */
#define STEPS_LIMIT 24
#define STEP_BYTES 2048
#define ANNOUNCED_LIMIT 4
/* Rows that a bent dialogue of so few bytes may give. */
#define ROWS_LIMIT 2000

/* ---- numbers ---- */

struct dice {
    uint64_t state;
};

/* splitmix64 */
static uint64_t roll(struct dice *dice)
{
    uint64_t number = dice->state += 0x9e3779b97f4a7c15;

    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    number = (number ^ number >> 27) * 0x94d049bb133111eb;
    return number ^ number >> 31;
}

/* From 0 to count - 1. */
static size_t roll_below(struct dice *dice, size_t count)
{
    return count > 0 ? (size_t)(roll(dice) % count) : 0;
}

/* ---- a dialogue that can be bent ---- */

struct mutant_step {
    enum side from;
    uint64_t misses;
    size_t length;
    uint8_t bytes[STEP_BYTES];
};

struct mutant {
    uint16_t server_port;
    bool lacks_start[SIDE_COUNT];
    bool client_is_guessed;
    size_t count;
    struct mutant_step steps[STEPS_LIMIT];
};

static void flip_bit(struct dice *dice, struct mutant_step *step)
{
    if (step->length > 0)
        step->bytes[roll_below(dice, step->length)] ^= (uint8_t)(1u << roll_below(dice, 8));
}

/* Numbers in the way of lengths, and what lines are made of. */
static void set_byte(struct dice *dice, struct mutant_step *step)
{
    static const uint8_t values[] = {0x00, 0x01, 0x02, 0x03, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff, '\r', '\n', ' ', '-', '"', '<', '.', ','};

    if (step->length > 0)
        step->bytes[roll_below(dice, step->length)] = values[roll_below(dice, sizeof values)];
}

static void cut(struct dice *dice, struct mutant_step *step)
{
    step->length = roll_below(dice, step->length + 1);
}

static void lose_middle(struct dice *dice, struct mutant_step *step)
{
    size_t first = roll_below(dice, step->length + 1);
    size_t count = roll_below(dice, step->length - first + 1);

    memmove(step->bytes + first, step->bytes + first + count, step->length - first - count);
    step->length -= count;
}

static void double_middle(struct dice *dice, struct mutant_step *step)
{
    size_t first = roll_below(dice, step->length + 1);
    size_t count = roll_below(dice, step->length - first + 1);

    if (step->length + count > STEP_BYTES)
        return;
    memmove(step->bytes + first + count, step->bytes + first, step->length - first);
    step->length += count;
}

static void noise(struct dice *dice, struct mutant_step *step)
{
    step->length = roll_below(dice, 400);
    for (size_t i = 0; i < step->length; i++)
        step->bytes[i] = (uint8_t)roll(dice);
}

static void put_step(struct mutant *mutant, size_t place, const struct mutant_step *step)
{
    if (mutant->count == STEPS_LIMIT)
        return;
    memmove(mutant->steps + place + 1, mutant->steps + place, (mutant->count - place) * sizeof mutant->steps[0]);
    mutant->steps[place] = *step;
    mutant->count++;
}

static void put_gap(struct dice *dice, struct mutant *mutant, size_t place)
{
    const struct mutant_step gap = {
        .from = mutant->steps[place].from,
        .misses = roll_below(dice, 8) == 0 ? (uint64_t)1 << (32 + roll_below(dice, 31)) : 1 + roll_below(dice, 600),
    };

    put_step(mutant, place, &gap);
}

/* A part of a step is missing: what a lost segment looks like. */
static void lose_segment(struct dice *dice, struct mutant *mutant, size_t place)
{
    struct mutant_step *step = &mutant->steps[place];
    size_t first = roll_below(dice, step->length + 1);
    size_t count = roll_below(dice, step->length - first + 1);
    struct mutant_step rest = {.from = step->from, .length = step->length - first - count};
    const struct mutant_step gap = {.from = step->from, .misses = count};

    if (count == 0 || mutant->count + 2 > STEPS_LIMIT)
        return;
    memcpy(rest.bytes, step->bytes + first + count, rest.length);
    step->length = first;
    put_step(mutant, place + 1, &rest);
    put_step(mutant, place + 1, &gap);
}

static void drop_step(struct mutant *mutant, size_t place)
{
    memmove(mutant->steps + place, mutant->steps + place + 1, (mutant->count - place - 1) * sizeof mutant->steps[0]);
    mutant->count--;
}

static void double_step(struct mutant *mutant, size_t place)
{
    const struct mutant_step again = mutant->steps[place];

    put_step(mutant, place, &again);
}

static void exchange(struct dice *dice, struct mutant *mutant, size_t place)
{
    size_t other = roll_below(dice, mutant->count);
    struct mutant_step step = mutant->steps[place];

    mutant->steps[place] = mutant->steps[other];
    mutant->steps[other] = step;
}

static void keep_one_side(struct mutant *mutant, enum side side)
{
    for (size_t i = mutant->count; i-- > 0;) {
        if (mutant->steps[i].from != side)
            drop_step(mutant, i);
    }
    mutant->lacks_start[side_other(side)] = true;
}

/* What is done to the dialogue as a whole, or to one step of it. */
static void bend_once(struct dice *dice, struct mutant *mutant)
{
    size_t place = roll_below(dice, mutant->count);
    struct mutant_step *step = &mutant->steps[place];

    if (mutant->count == 0)
        return;
    switch (roll_below(dice, 16)) {
    case 0: put_gap(dice, mutant, place); break;
    case 1: lose_segment(dice, mutant, place); break;
    case 2: drop_step(mutant, place); break;
    case 3: double_step(mutant, place); break;
    case 4: exchange(dice, mutant, place); break;
    case 5: step->from = side_other(step->from); break;
    case 6: cut(dice, step); break;
    case 7: lose_middle(dice, step); break;
    case 8: double_middle(dice, step); break;
    case 9: noise(dice, step); break;
    case 10:
    case 11:
    case 12: set_byte(dice, step); break;
    default: flip_bit(dice, step); break;
    }
}

static void bend(struct dice *dice, struct mutant *mutant)
{
    static const uint16_t ports[] = {21, 22, 25, 80, 443, 3389};

    if (roll_below(dice, 4) == 0)
        mutant->server_port = roll_below(dice, 2) == 0 ? 9999 : ports[roll_below(dice, sizeof ports / sizeof ports[0])];
    if (roll_below(dice, 16) == 0)
        keep_one_side(mutant, roll_below(dice, 2) == 0 ? FROM_CLIENT : FROM_SERVER);
    if (roll_below(dice, 8) == 0 && mutant->count > 1) {
        mutant->lacks_start[FROM_CLIENT] = mutant->lacks_start[FROM_SERVER] = true;
        mutant->client_is_guessed = roll_below(dice, 2) == 0;
        for (size_t lost = 1 + roll_below(dice, mutant->count - 1); lost > 0; lost--)
            drop_step(mutant, 0);
    }
    for (size_t times = roll_below(dice, 5); times > 0; times--)
        bend_once(dice, mutant);
}

/* ---- what the worker would offer ---- */

struct worker {
    struct row_batch *batch;
    size_t rows;
    int64_t ids[ID_KINDS];
    struct expectation announced[ANNOUNCED_LIMIT];
    size_t announced_count;
};

static void on_write(void *argument, const struct record_table *table, const void *record)
{
    struct worker *worker = argument;

    if (++worker->rows <= ROWS_LIMIT)
        CHECK(record_write(worker->batch, table, record));
}

static int64_t on_next_id(void *argument, enum id_kind kind)
{
    struct worker *worker = argument;

    return ++worker->ids[kind];
}

static bool on_expect(void *argument, const struct expectation *expectation)
{
    struct worker *worker = argument;

    if (worker->announced_count == ANNOUNCED_LIMIT)
        return false;
    worker->announced[worker->announced_count++] = *expectation;
    return true;
}

static void on_turn_around(void *argument, struct flow_facts *facts)
{
    uint16_t port = facts->client_port;
    bool has_start = facts->has_start[FROM_CLIENT];

    (void)argument;
    CHECK(facts->client_is_guessed);
    facts->client_port = facts->server_port;
    facts->server_port = port;
    facts->has_start[FROM_CLIENT] = facts->has_start[FROM_SERVER];
    facts->has_start[FROM_SERVER] = has_start;
}

static struct worker_services services_of(struct worker *worker)
{
    return (struct worker_services){
        .worker = worker,
        .write = on_write,
        .next_id = on_next_id,
        .expect = on_expect,
        .turn_around = on_turn_around,
    };
}

/* ---- playing ---- */

#define CLIENT_PORT 40000

/* The sides of a flow may be exchanged under way: which side a step's speaker is now. */
static enum side present_side(enum side from, const struct flow_facts *facts)
{
    return facts->server_port == CLIENT_PORT ? side_other(from) : from;
}

static bool deliver(void *conversation, enum side from, struct bytes bytes, int64_t time_us)
{
    uint8_t *copy = malloc(bytes.length > 0 ? bytes.length : 1);
    bool goes_on;

    if (copy == NULL)
        abort();
    memcpy(copy, bytes.at, bytes.length);
    goes_on = conversation_reader.data(conversation, from, bytes_of(copy, bytes.length), time_us);
    free(copy);
    return goes_on;
}

/* The data connections that were announced: the first half opens, with a few bytes; the others never come. */
static void meet_announced(struct worker *worker, int64_t time_us)
{
    const struct worker_services services = services_of(worker);

    for (size_t i = 0; i < worker->announced_count; i++) {
        struct expectation *expectation = &worker->announced[i];
        struct flow_facts facts = {.flow_id = ++worker->ids[ID_FLOW], .has_start = {true, true}};
        void *conversation;

        if (i % 2 == 1) {
            if (expectation->release != NULL)
                expectation->release(expectation->shared);
            continue;
        }
        conversation = conversation_reader.open(&services, &facts, expectation);
        if (deliver(conversation, FROM_SERVER, bytes_of_text("drwxr-xr-x 2 a b 0 Jan 1 2024 etc\r\n"), time_us))
            (void)conversation_reader.gap(conversation, FROM_SERVER, 100, time_us);
        conversation_reader.end(conversation, FROM_SERVER, ENDING_FIN, time_us);
        conversation_reader.close(conversation, time_us);
    }
    worker->announced_count = 0;
}

/* One step, in pieces of at most `most` bytes, their sizes by `dice`. */
static bool play_step(void *conversation, const struct flow_facts *facts, const struct mutant_step *step, struct dice *dice, size_t most,
                      int64_t time_us)
{
    struct cursor rest = cursor_over(bytes_of(step->bytes, step->length));
    bool goes_on = true;

    if (step->misses > 0)
        return conversation_reader.gap(conversation, present_side(step->from, facts), step->misses, time_us);
    while (goes_on && cursor_left(&rest) > 0) {
        size_t count = most == SIZE_MAX ? most : 1 + roll_below(dice, most);

        goes_on = deliver(conversation, present_side(step->from, facts), take_up_to(&rest, count), time_us);
    }
    return goes_on;
}

static void play(const struct mutant *mutant, struct worker *worker, struct dice *dice, size_t most)
{
    const struct worker_services services = services_of(worker);
    struct flow_facts facts = {
        .flow_id = ++worker->ids[ID_FLOW],
        .client_port = CLIENT_PORT,
        .server_port = mutant->server_port,
        .client_is_guessed = mutant->client_is_guessed,
        .has_start = {!mutant->lacks_start[FROM_CLIENT], !mutant->lacks_start[FROM_SERVER]},
    };
    void *conversation = conversation_reader.open(&services, &facts, NULL);
    int64_t time_us = 1;
    bool goes_on = true;

    for (size_t i = 0; i < mutant->count && goes_on; i++, time_us++) {
        goes_on = play_step(conversation, &facts, &mutant->steps[i], dice, most, time_us);
        meet_announced(worker, time_us);
    }
    conversation_reader.end(conversation, present_side(FROM_CLIENT, &facts), mutant->count % 2 == 0 ? ENDING_FIN : ENDING_RESET, time_us);
    conversation_reader.end(conversation, present_side(FROM_SERVER, &facts), ENDING_TIMEOUT, time_us);
    conversation_reader.close(conversation, time_us);
    meet_announced(worker, time_us);
}

/* ---- what must hold ---- */

static bool is_valid_text(struct bytes text)
{
    while (text.length > 0) {
        size_t plain = text_plain_prefix(text);

        if (plain == text.length)
            return true;
        if (text.at[plain] != '\\') /* the only plain letter that escaping would write anew */
            return false;
        text = bytes_of(text.at + plain + 1, text.length - plain - 1);
    }
    return true;
}

static void check_rows(const struct worker *worker)
{
    const struct record_table *table;
    size_t offset = 0;

    CHECK(worker->rows <= ROWS_LIMIT);
    while ((table = row_batch_next(worker->batch, &offset)) != NULL) {
        for (size_t i = 0; i < table->column_count; i++) {
            struct record_value value = row_next_value(worker->batch, &offset);

            if (value.is_known && value.type == RECORD_TEXT)
                CHECK(is_valid_text(value.text));
        }
    }
}

/* One row as a line: the table, and each column that is known. False at the end. */
static bool next_line(const struct worker *worker, size_t *offset, struct text *line)
{
    const struct record_table *table = row_batch_next(worker->batch, offset);

    text_clear(line);
    if (table == NULL)
        return false;
    text_append_text(line, table->table);
    for (size_t i = 0; i < table->column_count; i++) {
        struct record_value value = row_next_value(worker->batch, offset);

        if (!value.is_known)
            continue;
        text_append_format(line, " %s=", table->columns[i].name);
        if (value.type == RECORD_TEXT)
            text_append(line, value.text);
        else
            text_append_format(line, "%" PRId64, value.integer);
    }
    return true;
}

/* The first row that differs, of both. */
static void print_difference(const struct worker *a, const struct worker *b)
{
    struct text line_a = {.limit = 4096};
    struct text line_b = {.limit = 4096};
    size_t offset_a = 0;
    size_t offset_b = 0;

    for (;;) {
        bool has_a = next_line(a, &offset_a, &line_a);
        bool has_b = next_line(b, &offset_b, &line_b);

        if ((has_a && has_b && bytes_equal(text_bytes(&line_a), text_bytes(&line_b))))
            continue;
        printf("        whole: %s\n        split: %s\n", has_a ? line_a.at : "(no more)", has_b ? line_b.at : "(no more)");
        break;
    }
    text_free(&line_a);
    text_free(&line_b);
}

static bool same_rows(const struct worker *a, const struct worker *b)
{
    return bytes_equal(bytes_of(a->batch->bytes, a->batch->used), bytes_of(b->batch->bytes, b->batch->used));
}

/* A worker that begins anew, with a batch that is used again. */
static void init_worker(struct worker *worker, struct row_batch *batch)
{
    batch->used = 0;
    *worker = (struct worker){.batch = batch};
}

static unsigned long long from_environment(const char *name, unsigned long long otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* What all rounds of a dialogue share. */
struct bench {
    struct mutant straight;
    struct mutant mutant;
    struct row_batch *batches[2];
};

static void bend_and_play(const char *name, struct bench *bench, uint64_t round)
{
    struct dice dice = {.state = round};
    struct mutant *mutant = &bench->mutant;
    struct worker whole;
    struct worker split;

    *mutant = bench->straight;
    bend(&dice, mutant);
    init_worker(&whole, bench->batches[0]);
    init_worker(&split, bench->batches[1]);
    play(mutant, &whole, &dice, SIZE_MAX);
    play(mutant, &split, &dice, roll_below(&dice, 4) == 0 ? 1 : 64);
    check_rows(&whole);
    if (!CHECK(same_rows(&whole, &split))) {
        printf("        %s, round %llu: in other pieces the rows differ\n", name, (unsigned long long)round);
        print_difference(&whole, &split);
    }
}

static void bend_many(const char *name, uint16_t port, const struct step *steps, size_t count)
{
    unsigned long long first = from_environment("MUTATIONS_FIRST", 1);
    unsigned long long rounds = from_environment("MUTATIONS", ROUNDS);
    struct bench *bench = calloc(1, sizeof *bench);

    if (bench == NULL || !CHECK(count <= STEPS_LIMIT))
        abort();
    for (int i = 0; i < 2; i++) {
        bench->batches[i] = row_batch_new(1 << 20);
        if (bench->batches[i] == NULL)
            abort();
    }
    bench->straight.server_port = port;
    bench->straight.count = count;
    for (size_t i = 0; i < count; i++) {
        struct mutant_step *step = &bench->straight.steps[i];

        if (!CHECK(steps[i].says.length <= STEP_BYTES))
            abort();
        step->from = steps[i].from;
        step->length = steps[i].says.length;
        memcpy(step->bytes, steps[i].says.at, step->length);
    }
    for (unsigned long long round = first; round < first + rounds; round++)
        bend_and_play(name, bench, round);
    for (int i = 0; i < 2; i++)
        row_batch_free(bench->batches[i]);
    free(bench);
}

#define BEND(NAME, PORT, STEPS) bend_many(NAME, PORT, STEPS, sizeof(STEPS) / sizeof((STEPS)[0]))

/* ---- the dialogues ---- */

UNIT_TEST(mutations_smtp)
{
    const struct step mail[] = {
        SERVER("220 mx.example ESMTP\r\n"),
        CLIENT("EHLO client.example\r\n"),
        SERVER("250-mx.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n"),
        CLIENT("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"),
        SERVER("235 2.7.0 ok\r\n"),
        CLIENT("MAIL FROM:<a@client.example> SIZE=200\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<\"c d\"@mx.example>\r\nDATA\r\n"),
        SERVER("250 ok\r\n250 ok\r\n550 no such user\r\n354 go on\r\n"),
        CLIENT("From: =?utf-8?q?A_=C3=A9?= <a@client.example>\r\nTo: b@mx.example\r\nSubject: =?iso-8859-1?B?6Q==?=\r\n folded\r\n"
               "Message-ID: <1@x>\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\nReceived: from z\r\n\r\n--b\r\n\r\nhi\r\n..dots\r\n"
               "--b\r\nContent-Type: text/plain; name=\"n.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n.\r\n"),
        SERVER("250 2.0.0 queued\r\n"),
        CLIENT("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<b@mx.example>\r\nBDAT 10\r\n0123456789BDAT 5 LAST\r\nabcde"),
        SERVER("250 ok\r\n250 ok\r\n250 ok\r\n250 10\r\n250 queued\r\n"),
        CLIENT("QUIT\r\n"),
        SERVER("221 bye\r\n"),
    };
    const struct step tls[] = {
        SERVER("220 mx.example ESMTP\r\n"),
        CLIENT("EHLO client.example\r\n"),
        SERVER("250-mx.example\r\n250 STARTTLS\r\n"),
        CLIENT("STARTTLS\r\n"),
        SERVER("220 go\r\n"),
        CLIENT("\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" "0123456789abcdef0123456789abcdef" "\x00\x00\x02\x13\x01\x01\x00\x00\x00"),
        SERVER("\x15\x03\x03\x00\x02\x02\x28"),
    };

    BEND("smtp", 25, mail);
    BEND("smtp starttls", 587, tls);
}

UNIT_TEST(mutations_ftp)
{
    const struct step steps[] = {
        SERVER("220-welcome\r\n220 ready\r\n"),
        CLIENT("USER anonymous\r\n"),
        SERVER("331 password\r\n"),
        CLIENT("PASS me@example\r\n"),
        SERVER("230 in\r\n"),
        CLIENT("SYST\r\nPWD\r\nCWD /pub\r\n"),
        SERVER("215 UNIX Type: L8\r\n257 \"/home \"\"x\"\"\" is it\r\n250 ok\r\n"),
        CLIENT("PASV\r\nRETR a file.txt\r\n"),
        SERVER("227 Entering Passive Mode (10,0,0,1,200,10)\r\n150 here it comes\r\n226 done\r\n"),
        CLIENT("EPSV\r\nLIST\r\n"),
        SERVER("229 Entering Extended Passive Mode (|||51210|)\r\n150 here\r\n226 done\r\n"),
        CLIENT("PORT 10,0,0,2,200,11\r\nREST 100\r\nSTOR ../up.bin\r\nEPRT |2|::1|5282|\r\nAPPE x\r\n"),
        SERVER("200 ok\r\n350 ok\r\n150 go\r\n226 done\r\n200 ok\r\n425 no\r\n"),
        CLIENT("AUTH TLS\r\n"),
        SERVER("234 go\r\n"),
        CLIENT("\x16\x03\x01\x00\x04\x01\x00\x00\x00"),
    };

    BEND("ftp", 21, steps);
}

UNIT_TEST(mutations_ssh)
{
    /* a binary packet with a KEXINIT: 10 lists, "a" to "j"; then NEWKEYS */
#define LIST(LETTERS) "\x00\x00\x00\x03" LETTERS
#define LISTS \
    LIST("a,b") LIST("c,d") LIST("e,f") LIST("e,f") LIST("g,h") LIST("g,h") LIST("i,j") LIST("i,j") "\x00\x00\x00\x00" "\x00\x00\x00\x00"
#define KEXINIT "\x00\x00\x00\x5c\x06\x14" "0123456789abcdef" LISTS "\x00" "\x00\x00\x00\x00" "\x00\x00\x00\x00\x00\x00"
#define NEWKEYS "\x00\x00\x00\x0c\x0a\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    const struct step steps[] = {
        SERVER("hello there\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n"),
        CLIENT("SSH-2.0-client_1.0 a comment\r\n" KEXINIT),
        SERVER(KEXINIT),
        CLIENT("\x00\x00\x00\x0c\x05\x1e\x00\x00\x00\x01" "x" "\x00\x00\x00\x00\x00"),
        SERVER("\x00\x00\x00\x2c\x04\x1f\x00\x00\x00\x13\x00\x00\x00\x0b" "ssh-ed25519" "\x00\x00\x00\x00\x00\x00\x00\x01" "f"
               "\x00\x00\x00\x01" "s" "\x00\x00\x00\x00" "\x00\x00\x00\x00" NEWKEYS),
        CLIENT(NEWKEYS "encrypted from here on, whatever it is"),
        SERVER("and so is this, with its own lengths"),
    };

    BEND("ssh", 22, steps);
}

UNIT_TEST(mutations_websocket)
{
    const struct step steps[] = {
        CLIENT("GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"),
        SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n"),
        CLIENT("GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        SERVER("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        CLIENT("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
        SERVER("\x01\x03\x48\x65\x6c\x89\x05\x48\x65\x6c\x6c\x6f\x80\x02\x6c\x6f"),
        CLIENT("\xc1\x87\x01\x02\x03\x04\xf3\x4a\xce\xcd\xc8\x05\x03\x8a\x80\x00\x00\x00\x00"),
        SERVER("\x82\x7e\x00\x05" "12345\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x02" "ab"),
        SERVER("\x88\x06\x03\xe8" "done"),
        CLIENT("\x88\x82\x00\x00\x00\x00\x03\xe8"),
    };

    BEND("websocket", 80, steps);
}

UNIT_TEST(mutations_http)
{
    const struct step steps[] = {
        CLIENT("POST /a HTTP/1.1\r\nHost: h\r\nX-Folded: a\r\n b\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n"
               "HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n"),
        SERVER("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nnonoHTTP/1.1 304 Not Modified\r\n\r\n"),
        CLIENT("GET /c HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nAuthorization: Basic dTpw\r\n\r\n"),
        SERVER("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nok"),
        CLIENT("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
        SERVER("HTTP/1.1 407 Proxy Authentication Required\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        CLIENT("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nProxy-Authorization: Basic dTpw\r\n\r\n"),
        SERVER("HTTP/1.1 200 OK\r\n\r\n"),
        CLIENT("GET /d HTTP/1.0\r\n\r\n"),
        SERVER("HTTP/1.0 200 OK\r\n\r\nthe rest"),
    };

    BEND("http", 3128, steps);
}

/* Many frames of both sides: what is found again behind missing bytes, and inflated behind them. */
UNIT_TEST(mutations_websocket_frames)
{
#define DEFLATED "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00"
#define FRAGMENTED "\x41\x03\xf2\x48\xcd\x89\x02hi\x80\x04\xc9\xc9\x07\x00"
#define MASKED "\x81\x8b\x01\x02\x03\x04" "igoh" "n\"wl" "dpf" "\x89\x80\x05\x06\x07\x08" "\x02\x81\0\0\0\0" "b\x80\x80\0\0\0\0"
    const struct step steps[] = {
        CLIENT("GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"),
        SERVER("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
               "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10; client_no_context_takeover\r\n\r\n"),
        SERVER(DEFLATED FRAGMENTED DEFLATED "\x81\x0b" "gr\xc3\xbc\xc3\x9f" "e aus" DEFLATED FRAGMENTED),
        CLIENT(MASKED MASKED MASKED "\xc1\x88\0\0\0\0\xf3\x48\xcd\xc9\xc9\x07\0\0" MASKED),
        SERVER(FRAGMENTED DEFLATED "\x82\x7e\x00\x80" "0123456789012345678901234567890123456789012345678901234567890123" "0123456789012345678901234567890123456789012345678901234567890123"
               DEFLATED),
        CLIENT(MASKED MASKED "\x88\x86\0\0\0\0\x03\xe8" "done"),
        SERVER(DEFLATED "\x88\x06\x03\xe8" "done"),
    };
#undef DEFLATED
#undef FRAGMENTED
#undef MASKED

    BEND("websocket frames", 80, steps);
}

UNIT_TEST(mutations_tls)
{
    const struct step steps[] = {
        CLIENT("\x16\x03\x01\x00\x4a\x01\x00\x00\x46\x03\x03" "0123456789abcdef0123456789abcdef" "\x00\x00\x02\x13\x01\x01\x00\x00\x1b"
               "\x00\x00\x00\x0e\x00\x0c\x00\x00\x09" "a.example" "\x00\x10\x00\x05\x00\x03\x02h2"),
        SERVER("\x16\x03\x03\x00\x32\x02\x00\x00\x2e\x03\x03" "0123456789abcdef0123456789abcdef" "\x00\x13\x01\x00\x00\x06\x00\x2b\x00\x02\x03\x04"
               "\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x05" "abcde"),
        CLIENT("\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x05" "abcde"),
    };

    BEND("tls", 443, steps);
}

UNIT_TEST(mutations_rdp)
{
    static struct pdu pdus[8];
    const struct step steps[] = {
        CLIENT("\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00" "Cookie: mstshash=alice\r\n" "\x01\x00\x08\x00\x00\x00\x00\x00"),
        SERVER("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x00\x00\x00\x00"),
        (rdp_script_connect_initial(&pdus[0], &rdp_script_usual), SAYS_BYTES(FROM_CLIENT, pdus[0].at, pdus[0].length)),
        (rdp_script_connect_response(&pdus[1], 2), SAYS_BYTES(FROM_SERVER, pdus[1].at, pdus[1].length)),
        (rdp_script_send_data(&pdus[2], 0x64, 1004, 20), SAYS_BYTES(FROM_CLIENT, pdus[2].at, pdus[2].length)),
        (rdp_script_send_data(&pdus[3], 0x68, 1005, 300), SAYS_BYTES(FROM_SERVER, pdus[3].at, pdus[3].length)),
        SERVER("\x00\x80\x05" "ab"),
        (rdp_script_send_data(&pdus[4], 0x68, 1004, 7), SAYS_BYTES(FROM_SERVER, pdus[4].at, pdus[4].length)),
    };
    const struct step tls[] = {
        CLIENT("\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00" "Cookie: mstshash=alice\r\n" "\x01\x00\x08\x00\x03\x00\x00\x00"),
        SERVER("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x01\x00\x00\x00"),
        CLIENT("\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" "0123456789abcdef0123456789abcdef" "\x00\x00\x02\x13\x01\x01\x00\x00\x00"),
        SERVER("\x15\x03\x03\x00\x02\x02\x28"),
    };

    BEND("rdp", 3389, steps);
    BEND("rdp tls", 3389, tls);
}

/* dialogue.c - see dialogue.h */
#include "tests/unit/dialogue.h"

#include "base/cursor.h"
#include "base/text.h"
#include "dissectors/conversation.h"
#include "tests/unit/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Rows as lines: table, then TAB column=value for each that is known. */
static struct text played = {.limit = 16 << 20};
static const char *played_protocol;

/* LF and TAB separate rows and columns here: within a text they are shown as \n and \t. */
static void write_text(struct text *out, struct bytes text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '\n' || text.at[i] == '\t')
            text_append_text(out, text.at[i] == '\n' ? "\\n" : "\\t");
        else
            text_append(out, bytes_of(text.at + i, 1));
    }
}

static void write_value(struct text *out, const struct record_column *column, const struct record_value *value)
{
    if (!value->is_known)
        return;
    text_append_format(out, "\t%s=", column->name);
    if (column->type == RECORD_TEXT)
        write_text(out, value->text);
    else if (column->type == RECORD_REAL)
        text_append_format(out, "%g", value->real);
    else
        text_append_format(out, "%" PRId64, value->integer);
}

static void on_write(void *worker, const struct record_table *table, const void *record)
{
    struct text *out = worker;
    struct row_batch *batch = row_batch_new(1 << 16);
    size_t offset = 0;

    if (!CHECK(batch != NULL && record_write(batch, table, record)))
        return;
    (void)row_batch_next(batch, &offset);
    text_append_text(out, table->table);
    for (size_t i = 0; i < table->column_count; i++) {
        struct record_value value = row_next_value(batch, &offset);

        write_value(out, &table->columns[i], &value);
    }
    text_append_text(out, "\n");
    row_batch_free(batch);
}

static int64_t on_next_id(void *worker, enum id_kind kind)
{
    (void)worker;
    return kind + 1;
}

static bool on_expect(void *worker, const struct expectation *expectation)
{
    (void)worker;
    (void)expectation;
    return false;
}

static void on_turn_around(void *worker, struct flow_facts *facts)
{
    (void)worker;
    facts->client_is_guessed = false;
}

/* One delivery, in memory of its own. */
static bool deliver(void *conversation, enum side from, struct bytes bytes, int64_t time_us)
{
    uint8_t *copy = malloc(bytes.length > 0 ? bytes.length : 1);
    bool goes_on;

    memcpy(copy, bytes.at, bytes.length);
    goes_on = conversation_reader.data(conversation, from, bytes_of(copy, bytes.length), time_us);
    free(copy);
    return goes_on;
}

/* Each step a datagram, in memory of its own. */
static void play_datagrams(const struct dialogue *dialogue, const struct worker_services *services)
{
    struct flow_facts facts = {.flow_id = 1, .client_port = 50000, .server_port = dialogue->server_port};
    void *conversation = NULL;
    bool goes_on = true;

    for (size_t i = 0; i < dialogue->count && goes_on; i++) {
        const struct step *step = &dialogue->steps[i];
        uint8_t *copy = malloc(step->says.length);
        struct bytes bytes = bytes_of(copy, step->says.length);

        memcpy(copy, step->says.at, step->says.length);
        if (conversation == NULL)
            conversation = conversation_reader.open_datagrams(services, &facts, step->from, bytes, (int64_t)i + 1);
        goes_on = conversation != NULL && conversation_reader.datagram(conversation, step->from, bytes, (int64_t)i + 1);
        free(copy);
    }
    if (conversation != NULL)
        conversation_reader.close(conversation, (int64_t)dialogue->count + 1);
    played_protocol = facts.protocol;
}

static void play_connection(const struct dialogue *dialogue, const struct worker_services *services, unsigned number, size_t most)
{
    uint8_t client[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    int64_t start_us = (int64_t)number * dialogue->apart_us;
    struct flow_facts facts = {
        .flow_id = (int64_t)number + 1,
        .start_us = start_us,
        .server_port = dialogue->server_port,
        .has_start = {!dialogue->lacks_start[FROM_CLIENT], !dialogue->lacks_start[FROM_SERVER]},
    };
    void *conversation;
    bool goes_on = true;

    if (dialogue->clients_differ)
        facts.client = address_from_ipv4(client);
    conversation = conversation_reader.open(services, &facts, NULL);
    for (size_t i = 0; i < dialogue->count && goes_on; i++) {
        const struct step *step = &dialogue->steps[i];
        struct cursor rest = cursor_over(step->says);
        int64_t time_us = start_us + (int64_t)i + 1;

        if (step->ends)
            conversation_reader.end(conversation, step->from, ENDING_FIN, time_us);
        if (step->misses > 0)
            goes_on = conversation_reader.gap(conversation, step->from, step->misses, time_us);
        while (goes_on && cursor_left(&rest) > 0)
            goes_on = deliver(conversation, step->from, take_up_to(&rest, most), time_us);
    }
    conversation_reader.close(conversation, start_us + (int64_t)dialogue->count + 1);
    played_protocol = facts.protocol;
}

static void play(const struct dialogue *dialogue, size_t most, struct text *out)
{
    const struct worker_services services = {
        .worker = out,
        .reader_memory = conversation_reader.begin(),
        .recording = &dialogue->recording,
        .write = on_write,
        .next_id = on_next_id,
        .expect = on_expect,
        .turn_around = on_turn_around,
    };
    unsigned number = 0;

    do {
        if (dialogue->is_datagrams)
            play_datagrams(dialogue, &services);
        else
            play_connection(dialogue, &services, number, most);
        number++;
    } while (number < dialogue->connections);
    conversation_reader.finish(services.reader_memory);
}

void dialogue_play(const struct dialogue *dialogue)
{
    struct text split = {.limit = played.limit};

    text_clear(&played);
    play(dialogue, 1, &split);
    play(dialogue, SIZE_MAX, &played);
    CHECK_TEXT(split.at != NULL ? split.at : "", played.at != NULL ? played.at : "");
    text_free(&split);
}

/* The row of that table; empty with at == NULL where there is none. */
static struct bytes find_row(const char *table, size_t wanted, size_t *count)
{
    struct bytes rest = text_bytes(&played);

    *count = 0;
    while (rest.length > 0) {
        struct bytes row = bytes_split(rest, '\n', &rest);
        struct bytes columns;

        if (!bytes_equal(bytes_split(row, '\t', &columns), bytes_of_text(table)))
            continue;
        if ((*count)++ == wanted)
            return columns;
    }
    return bytes_of(NULL, 0);
}

size_t dialogue_rows(const char *table)
{
    size_t count;

    (void)find_row(table, SIZE_MAX, &count);
    return count;
}

static bool table_has_column(const char *table, const char *column)
{
    size_t count;
    const struct record_table *const *tables = conversation_tables(&count);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; strcmp(tables[i]->table, table) == 0 && j < tables[i]->column_count; j++) {
            if (strcmp(tables[i]->columns[j].name, column) == 0)
                return true;
        }
    }
    return strcmp(table, "finding") == 0;
}

const char *dialogue_value(const char *table, size_t row, const char *column)
{
    static char rooms[8][8192];
    static unsigned next;
    char *room = rooms[next++ % 8];
    size_t count;
    struct bytes columns = find_row(table, row, &count);

    if (columns.at == NULL)
        return "(no row)";
    if (!table_has_column(table, column))
        return "(no column)";
    while (columns.length > 0) {
        struct bytes value;
        struct bytes name = bytes_split(bytes_split(columns, '\t', &columns), '=', &value);

        if (!bytes_equal(name, bytes_of_text(column)))
            continue;
        (void)snprintf(room, sizeof rooms[0], "%.*s", (int)value.length, (const char *)value.at);
        return room;
    }
    return "";
}

const char *dialogue_protocol(void)
{
    return played_protocol != NULL ? played_protocol : "";
}

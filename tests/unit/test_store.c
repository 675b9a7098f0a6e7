/* test_store.c - store/: opening modes, what is kept after failures, and the schema that is promised. */
#include "store/store.h"

#include "base/file.h"
#include "base/finding.h"
#include "base/log.h"
#include "capture/capture.h"
#include "dissectors/conversation.h"
#include "dissectors/ssh_record.h"
#include "store/schema.h"
#include "streams/streams.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TABLES_MOST 64

#define THING(COLUMN, LATER, R) \
    COLUMN(R, integer, thing_id, "its number") \
    COLUMN(R, text, word, "a word") \
    COLUMN(R, real, ratio, "a ratio") \
    COLUMN(R, boolean, done, "a truth") \
    COLUMN(R, integer, time_us, "when")
RECORD_STRUCT(thing, THING);
RECORD_COLUMNS(thing, THING);
static const struct record_table thing_table = {
    .table = "thing",
    .view = "things",
    .doc = "one thing",
    .replaces = true,
    .columns = thing_columns,
    .column_count = RECORD_COLUMN_COUNT(thing_columns),
    .index = "word",
};
/* The same record as an earlier version of the program may have had it. */
static const struct record_table early_thing_table = {
    .table = "thing",
    .view = "things",
    .doc = "one thing, early",
    .replaces = true,
    .columns = thing_columns,
    .column_count = 2,
};
static const struct record_table *const things[] = {&thing_table};
static const struct record_table *const early_things[] = {&early_thing_table};

/* ---- a store at work ---- */

struct bench {
    char folder[64];
    char path[128];
    struct queue *rows;
    struct queue *empty;
    struct store_options options;
};

static bool begin_bench(struct bench *bench, enum store_mode mode)
{
    *bench = (struct bench){.folder = "store-test-XXXXXX"};
    if (mkdtemp(bench->folder) == NULL)
        return false;
    snprintf(bench->path, sizeof bench->path, "%s/out.db", bench->folder);
    bench->rows = queue_new(4);
    bench->empty = queue_new(4);
    bench->options =
        (struct store_options){.path = bench->path, .mode = mode, .tables = things, .table_count = 1, .rows = bench->rows, .empty = bench->empty};
    return bench->rows != NULL && bench->empty != NULL;
}

static void empty_queues(struct bench *bench)
{
    struct row_batch *batch;

    while ((batch = queue_try_pop(bench->rows)) != NULL)
        row_batch_free(batch);
    while ((batch = queue_try_pop(bench->empty)) != NULL)
        row_batch_free(batch);
    queue_free(bench->rows);
    queue_free(bench->empty);
    bench->rows = queue_new(4);
    bench->empty = queue_new(4);
    bench->options.rows = bench->rows;
    bench->options.empty = bench->empty;
}

/* Files in the folder, those whose names begin with a dot included. */
static unsigned files_in(const char *folder, bool remove_them)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    unsigned count = 0;
    char path[512];

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (remove_them)
            unlink(path);
    }
    if (directory != NULL)
        closedir(directory);
    return count;
}

static void end_bench(struct bench *bench)
{
    empty_queues(bench);
    queue_free(bench->rows);
    queue_free(bench->empty);
    files_in(bench->folder, true);
    rmdir(bench->folder);
}

static struct row_batch *batch_of_things(int64_t first, int64_t count, const char *word)
{
    struct row_batch *batch = row_batch_new((size_t)count * 400 + 1024);

    for (int64_t i = 0; batch != NULL && i < count; i++) {
        struct thing thing = {
            .thing_id = record_integer(first + i),
            .word = record_text_of(word),
            .done = record_boolean(i % 2 == 0),
            .time_us = record_integer(1700000000123456),
        };

        if (i % 3 == 0)
            thing.ratio = record_real(0.5);
        if (!record_write(batch, &thing_table, &thing))
            break;
    }
    return batch;
}

/* Opens the store, writes things first.., finishes it. */
static bool write_things(struct bench *bench, int64_t first, int64_t count, bool keep)
{
    struct store *store = store_open(&bench->options);

    if (store == NULL)
        return false;
    queue_push(bench->rows, batch_of_things(first, count, "w"));
    queue_close(bench->rows);
    store_run(store);
    CHECK(store_rows(store, &thing_table) == (uint64_t)count);
    return store_finish(store, keep);
}

/* The answer to a query on a database: its first column as text, in a buffer that the next call uses again. */
static const char *ask(const char *path, const char *sql)
{
    static char answer[4096];
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    answer[0] = '\0';
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        snprintf(answer, sizeof answer, "error: %s", sqlite3_errmsg(database));
    else if (sqlite3_step(statement) == SQLITE_ROW)
        snprintf(answer, sizeof answer, "%s",
                 sqlite3_column_type(statement, 0) == SQLITE_NULL ? "NULL" : (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return answer;
}

/* Messages are expected in tests of failures: they go to a file, so that the log of the tests stays clean. */
static int silence_begin(void)
{
    int saved = dup(STDERR_FILENO);

    fflush(stderr);
    if (freopen("/dev/null", "w", stderr) == NULL)
        exit(2);
    return saved;
}

static void silence_end(int saved)
{
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static bool open_fails(const struct bench *bench)
{
    int saved = silence_begin();
    struct store *store = store_open(&bench->options);

    silence_end(saved);
    if (store != NULL)
        store_finish(store, false);
    return store == NULL;
}

/* ---- a new database ---- */

UNIT_TEST(store_new_is_built_beside_and_renamed)
{
    struct bench bench;
    struct store *store;
    struct stat status;

    CHECK(begin_bench(&bench, STORE_NEW));
    store = store_open(&bench.options);
    CHECK(store != NULL);
    CHECK(access(bench.path, F_OK) != 0);
    CHECK(files_in(bench.folder, false) == 1);
    CHECK(store_next_id(store, "thing", "thing_id") == 1);
    CHECK(store_next_id(store, "no_such_table", "any_id") == 1);
    queue_push(bench.rows, batch_of_things(1, 100, "caf\xe9"));
    queue_close(bench.rows);
    CHECK(store_run(store) == NULL);
    CHECK(!store_has_failed(store));
    CHECK(store_rows(store, &thing_table) == 100);
    CHECK(store_rows(store, &flow_table) == 0);
    CHECK(access(bench.path, F_OK) != 0);
    CHECK(store_finish(store, true));
    CHECK(files_in(bench.folder, false) == 1);
    CHECK(stat(bench.path, &status) == 0 && (status.st_mode & 07) == 0);
    CHECK_TEXT(ask(bench.path, "SELECT count(*) || ' ' || count(ratio) || ' ' || sum(done) FROM things"), "100 34 50");
    CHECK_TEXT(ask(bench.path, "SELECT word FROM things WHERE thing_id = 100"), "caf\\xe9");
    CHECK_TEXT(ask(bench.path, "SELECT time FROM things LIMIT 1"), "2023-11-14T22:13:20.123456Z");
    CHECK_TEXT(ask(bench.path, "SELECT name FROM pragma_index_list('thing')"), "thing_index");
    CHECK_TEXT(ask(bench.path, "PRAGMA application_id"), "2004050786");
    CHECK_TEXT(ask(bench.path, "PRAGMA user_version"), "1");
    CHECK_TEXT(ask(bench.path, "PRAGMA integrity_check"), "ok");
    CHECK_TEXT(ask(bench.path, "INSERT INTO thing (word) VALUES (x'00')"), "");
    end_bench(&bench);
}

UNIT_TEST(store_newer_row_replaces_the_older)
{
    struct bench bench;
    struct store *store;

    CHECK(begin_bench(&bench, STORE_NEW));
    store = store_open(&bench.options);
    queue_push(bench.rows, batch_of_things(1, 10, "old"));
    queue_push(bench.rows, batch_of_things(4, 1, "new"));
    queue_close(bench.rows);
    store_run(store);
    CHECK(store_finish(store, true));
    CHECK_TEXT(ask(bench.path, "SELECT group_concat(word) FROM (SELECT word FROM thing WHERE thing_id BETWEEN 3 AND 5 ORDER BY thing_id)"),
               "old,new,old");
    end_bench(&bench);
}

UNIT_TEST(store_new_without_anything_read_leaves_no_file)
{
    struct bench bench;

    CHECK(begin_bench(&bench, STORE_NEW));
    CHECK(write_things(&bench, 1, 1, false));
    CHECK(files_in(bench.folder, false) == 0);
    end_bench(&bench);
}

UNIT_TEST(store_new_refuses_what_is_there)
{
    struct bench bench;
    char link[160];

    CHECK(begin_bench(&bench, STORE_NEW));
    CHECK(write_things(&bench, 1, 1, true));
    CHECK(open_fails(&bench));
    CHECK(files_in(bench.folder, false) == 1);
    snprintf(link, sizeof link, "%s/link.db", bench.folder);
    CHECK(symlink("nowhere", link) == 0);
    bench.options.path = link;
    CHECK(open_fails(&bench));
    bench.options.path = "no-such-folder/out.db";
    CHECK(open_fails(&bench));
    CHECK(files_in(bench.folder, false) == 2);
    end_bench(&bench);
}

UNIT_TEST(store_never_overwrites_a_file_that_appeared_meanwhile)
{
    struct bench bench;
    struct store *store;
    FILE *other;
    int saved;

    CHECK(begin_bench(&bench, STORE_NEW));
    store = store_open(&bench.options);
    queue_push(bench.rows, batch_of_things(1, 1, "w"));
    queue_close(bench.rows);
    store_run(store);
    other = fopen(bench.path, "w");
    CHECK(other != NULL && fputs("someone else's", other) >= 0 && fclose(other) == 0);
    saved = silence_begin();
    CHECK(!store_finish(store, true));
    silence_end(saved);
    other = fopen(bench.path, "r");
    CHECK(other != NULL && fgetc(other) == 's');
    fclose(other);
    /* and what was read is still there */
    CHECK(files_in(bench.folder, false) == 2);
    end_bench(&bench);
}

/* ---- a full disk ---- */

/* Runs in a child, which may write files of `bytes` at most. Exit status: bits for what held. */
static int run_on_a_small_disk(struct bench *bench, rlim_t bytes, int64_t batches)
{
    struct rlimit limit = {bytes, bytes};
    struct store *store;
    int64_t pushed = 0;
    bool has_failed;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 100;
    silence_begin();
    store = store_open(&bench->options);
    if (store == NULL)
        return 101;
    queue_free(bench->rows);
    queue_free(bench->empty);
    bench->rows = bench->options.rows = queue_new((size_t)batches + 1);
    bench->empty = bench->options.empty = queue_new((size_t)batches + 1);
    store_finish(store, false);
    store = store_open(&bench->options);
    for (; store != NULL && pushed < batches; pushed++)
        queue_push(bench->rows, batch_of_things(1 + pushed * 1000, 1000, "0123456789012345678901234567890123456789"));
    queue_close(bench->rows);
    store_run(store);
    has_failed = store_has_failed(store);
    return (has_failed ? 1 : 0) | (store_finish(store, true) ? 2 : 0);
}

static int in_a_child(struct bench *bench, rlim_t bytes, int64_t batches)
{
    int status = -1;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0)
        _exit(run_on_a_small_disk(bench, bytes, batches));
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

UNIT_TEST(store_new_keeps_what_was_committed_when_the_disk_is_full)
{
    struct bench bench;
    long kept;

    CHECK(begin_bench(&bench, STORE_NEW));
    CHECK(in_a_child(&bench, 4 << 20, 400) == 1);
    CHECK(files_in(bench.folder, false) == 1);
    CHECK_TEXT(ask(bench.path, "PRAGMA integrity_check"), "ok");
    kept = atol(ask(bench.path, "SELECT count(*) FROM things"));
    CHECK(kept >= 1000 && kept < 400000 && kept % 1000 == 0);
    end_bench(&bench);
}

UNIT_TEST(store_new_keeps_its_rows_where_only_the_indexes_do_not_fit)
{
    struct bench bench;

    CHECK(begin_bench(&bench, STORE_NEW));
    /* the rows need 1.25 MB, their index 1 MB more */
    CHECK(in_a_child(&bench, 1800 << 10, 20) == 0);
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "20000");
    CHECK_TEXT(ask(bench.path, "PRAGMA integrity_check"), "ok");
    end_bench(&bench);
}

UNIT_TEST(store_append_adds_nothing_when_the_disk_is_full)
{
    struct bench bench;

    CHECK(begin_bench(&bench, STORE_NEW));
    CHECK(write_things(&bench, 1000000, 7, true));
    empty_queues(&bench);
    bench.options.mode = STORE_APPEND;
    CHECK(in_a_child(&bench, 20 << 20, 400) == 1);
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "7");
    CHECK_TEXT(ask(bench.path, "PRAGMA integrity_check"), "ok");
    end_bench(&bench);
}

/* ---- appending ---- */

UNIT_TEST(store_append_adds_to_what_is_there)
{
    struct bench bench;
    struct store *store;

    CHECK(begin_bench(&bench, STORE_APPEND));
    CHECK(write_things(&bench, 1, 10, true)); /* missing: made */
    empty_queues(&bench);
    store = store_open(&bench.options);
    CHECK(store_next_id(store, "thing", "thing_id") == 11);
    queue_push(bench.rows, batch_of_things(11, 10, "w"));
    queue_close(bench.rows);
    store_run(store);
    /* nobody sees the new rows before they are complete */
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "10");
    CHECK(store_finish(store, true));
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "20");
    empty_queues(&bench);
    CHECK(write_things(&bench, 21, 10, false));
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "20");
    end_bench(&bench);
}

UNIT_TEST(store_append_refuses_what_is_not_ours)
{
    struct bench bench;
    FILE *other;

    CHECK(begin_bench(&bench, STORE_APPEND));
    other = fopen(bench.path, "w");
    CHECK(other != NULL);
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", other);
    fclose(other);
    CHECK(open_fails(&bench));
    files_in(bench.folder, true);
    ask(bench.path, "CREATE TABLE x (y)"); /* opens read-write without creating */
    other = fopen(bench.path, "w");
    fclose(other);
    CHECK(open_fails(&bench)); /* an empty file */
    CHECK_TEXT(ask(bench.path, "CREATE TABLE x (y)"), "");
    CHECK(open_fails(&bench));
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM sqlite_schema"), "1");
    end_bench(&bench);
}

UNIT_TEST(store_append_refuses_a_newer_version)
{
    struct bench bench;

    CHECK(begin_bench(&bench, STORE_APPEND));
    CHECK(write_things(&bench, 1, 1, true));
    ask(bench.path, "PRAGMA user_version = 2");
    empty_queues(&bench);
    CHECK(open_fails(&bench));
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM thing"), "1");
    end_bench(&bench);
}

UNIT_TEST(store_append_upgrades_an_earlier_version)
{
    struct bench bench;
    struct store *store;

    CHECK(begin_bench(&bench, STORE_NEW));
    bench.options.tables = early_things;
    store = store_open(&bench.options);
    CHECK(store != NULL && store_finish(store, true));
    CHECK_TEXT(ask(bench.path, "SELECT group_concat(name) FROM pragma_table_info('things')"), "thing_id,word");
    ask(bench.path, "INSERT INTO thing VALUES (1, 'early')");
    ask(bench.path, "PRAGMA user_version = 0");
    bench.options.mode = STORE_APPEND;
    bench.options.tables = things;
    CHECK(write_things(&bench, 2, 1, true));
    CHECK_TEXT(ask(bench.path, "PRAGMA user_version"), "1");
    CHECK_TEXT(ask(bench.path, "SELECT group_concat(name) FROM pragma_table_info('things')"), "thing_id,word,ratio,done,time_us,time");
    CHECK_TEXT(ask(bench.path, "SELECT group_concat(coalesce(done, '-')) FROM (SELECT done FROM things ORDER BY thing_id)"), "-,1");
    end_bench(&bench);
}

UNIT_TEST(store_append_says_so_when_the_database_is_busy)
{
    struct bench bench;
    sqlite3 *other = NULL;

    CHECK(begin_bench(&bench, STORE_APPEND));
    CHECK(write_things(&bench, 1, 1, true));
    empty_queues(&bench);
    CHECK(sqlite3_open(bench.path, &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(open_fails(&bench));
    sqlite3_close(other);
    end_bench(&bench);
}

/* ---- live ---- */

UNIT_TEST(store_live_is_readable_while_it_is_written)
{
    struct bench bench;
    struct store *store;
    struct row_batch *tick = row_batch_new(64);

    CHECK(begin_bench(&bench, STORE_LIVE));
    store = store_open(&bench.options);
    CHECK(store != NULL);
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "0");
    usleep(800 * 1000); /* longer than two ticks must be apart */
    tick->is_tick = true;
    queue_push(bench.rows, batch_of_things(1, 5, "w"));
    queue_push(bench.rows, tick);
    queue_push(bench.rows, batch_of_things(6, 5, "w"));
    queue_close(bench.rows);
    store_run(store);
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "5");
    CHECK(store_finish(store, true));
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "10");
    CHECK_TEXT(ask(bench.path, "PRAGMA journal_mode"), "delete");
    CHECK(files_in(bench.folder, false) == 1);

    empty_queues(&bench);
    CHECK(open_fails(&bench));
    bench.options.append = true;
    CHECK(write_things(&bench, 11, 5, true));
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM things"), "15");
    end_bench(&bench);
}

UNIT_TEST(store_live_without_anything_read_leaves_no_file)
{
    struct bench bench;

    CHECK(begin_bench(&bench, STORE_LIVE));
    CHECK(write_things(&bench, 1, 1, false));
    CHECK(files_in(bench.folder, false) == 0);
    end_bench(&bench);
}

/* ---- the promise to users ---- */

#define SESSION_COLUMNS "flow_id,start_time,start_us,duration,client_ip,client_port,server_ip,server_port,community_id,encrypted,"
#define ENDPOINT_COLUMNS "flow_id,start_time,start_us,duration,client_ip,client_port,server_ip,server_port,community_id,"

/* Names and columns that stay: columns may be added behind these. */
static const struct promise {
    const char *view;
    const char *columns;
} promises[] = {
    {"captures",
     "capture_id,source,kind,link_type,snaplen,filter,start_us,end_us,packets,bytes,dropped_kernel,dropped_queue,decode_errors,truncated,finished"},
    {"flows",
     "flow_id,capture_id,start_time,start_us,end_us,duration,transport,client_ip,client_port,server_ip,server_port,client_guessed,vlan,tunnel,"
     "protocol,ndpi_protocol,ndpi_category,ndpi_risks,state,client_packets,server_packets,client_bytes,server_bytes,client_missing,server_missing,"
     "client_retransmitted,server_retransmitted,client_out_of_order,server_out_of_order,rtt_us,community_id,parent_flow_id"},
    {"sessions", "flow_id,protocol,start_time,start_us,duration,client_ip,client_port,server_ip,server_port,encrypted,user,outcome,summary,bytes"},
    {"smtp_sessions", SESSION_COLUMNS "banner,helo,server_extensions,encryption,auth_mechanism,auth_user,auth_result,mails,last_reply"},
    {"smtp_mails", "mail_id,number," SESSION_COLUMNS
                   "mail_from,recipients,rejected_recipients,outcome,reply_code,reply,transfer,size,missing,subject,header_from,header_to,header_cc,"
                   "header_reply_to,header_date,message_id,in_reply_to,user_agent,originating_ip,received_hops,attachments"},
    {"smtp_recipients", "mail_id,address,accepted,reply_code"},
    {"files", "file_id," ENDPOINT_COLUMNS "source,mail_id,from_side,name,declared_type,mime_type,size,missing,complete,sha256,stored_path"},
    {"ssh_sessions",
     SESSION_COLUMNS "protocol_version,client_version,server_version,kex,host_key_type,host_key_fingerprint,client_cipher,server_cipher,"
                     "client_mac,server_mac,client_compression,server_compression,hassh,hassh_server,strict_kex,rekeys,auth_attempts,"
                     "auth_result,auth_method,activity,keystrokes,bytes_up,bytes_down,inference_basis"},
    {"websocket_sessions",
     SESSION_COLUMNS "host,uri,origin,user_agent,subprotocol,extensions,status_code,accept_valid,compressed,client_messages,"
                     "server_messages,client_payload,server_payload,pings,pongs,close_code,close_reason,closed_by,inner_protocol"},
    {"websocket_messages", "flow_id,number,time_us,from_side,opcode,size,wire_size,fragments,compressed,text,sha256"},
    {"rdp_sessions",
     SESSION_COLUMNS "cookie,requested_protocols,selected_protocol,negotiation_failure,client_name,client_build,client_version,product_id,"
                     "keyboard_layout,keyboard_type,desktop_width,desktop_height,color_depth,channels,encryption_method,encryption_level,"
                     "certificate_type,certificate_subject,domain,user,auth_result,server_software,key_events,mouse_events,screen_updates,"
                     "clipboard_events"},
    {"rdp_channels", "flow_id,name,channel_id,options,client_bytes,server_bytes"},
    {"ftp_sessions", SESSION_COLUMNS "banner,user,password,auth_result,system,encryption,commands,transfers,bytes_up,bytes_down,last_reply"},
    {"ftp_commands", "flow_id,number,time_us,command,argument,reply_code,reply,delay_us"},
    {"ftp_transfers",
     "flow_id,number,time_us,command,path,direction,mode,data_ip,data_port,data_flow_id,offset,size,duration,reply_code,complete,file_id"},
    {"tls_sessions",
     SESSION_COLUMNS "version,cipher,server_name,alpn,ja3,ja3s,ja4,resumed,established,decrypted,inner_protocol,certificate_sha256,"
                     "certificate_subject,certificate_issuer,certificate_not_before_us,certificate_not_after_us,certificate_names,alert"},
    {"findings", "flow_id,time_us,severity,name,detail,client_ip,server_ip"},
    {"hosts", "ip,first_us,last_us,flows_as_client,flows_as_server,bytes_sent,bytes_received,protocols"},
    {"conversations", "client_ip,server_ip"},
    {"protocols", "protocol"},
    {"timeline", "minute_us"},
    {"zeek_conn",
     "ts,uid,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,service,duration,orig_bytes,resp_bytes,conn_state,local_orig,local_resp,missed_bytes,"
     "history,orig_pkts,orig_ip_bytes,resp_pkts,resp_ip_bytes,tunnel_parents"},
};

static const struct record_table *const *all_tables(size_t *count)
{
    static const struct record_table *tables[TABLES_MOST];
    size_t dissector_count;
    const struct record_table *const *dissector_tables = conversation_tables(&dissector_count);

    *count = 0;
    tables[(*count)++] = &capture_table;
    tables[(*count)++] = &flow_table;
    for (size_t i = 0; i < dissector_count; i++) {
        if (dissector_tables[i] != &file_table)
            tables[(*count)++] = dissector_tables[i];
    }
    tables[(*count)++] = &file_table;
    tables[(*count)++] = &finding_table;
    return tables;
}

static bool make_database_of_all(struct bench *bench)
{
    struct store *store;

    if (!begin_bench(bench, STORE_NEW))
        return false;
    bench->options.tables = all_tables(&bench->options.table_count);
    store = store_open(&bench->options);
    return store != NULL && store_finish(store, true);
}

static struct ssh_session ssh_row(int64_t tunnel, const char *version)
{
    return (struct ssh_session){.flow_id = record_integer(1), .tunnel = record_integer(tunnel), .server_version = record_text_of(version)};
}

/* A session's newer row takes the place of its older one, and not of that of another tunnel of the flow. */
UNIT_TEST(store_live_tells_the_sessions_of_tunnels_apart)
{
    struct bench bench;
    struct row_batch *batch = row_batch_new(4096);
    const struct ssh_session rows[] = {ssh_row(1, "early"), ssh_row(2, "second"), ssh_row(1, "late")};
    struct store *store;

    CHECK(begin_bench(&bench, STORE_LIVE));
    bench.options.tables = all_tables(&bench.options.table_count);
    store = store_open(&bench.options);
    CHECK(store != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK(record_write(batch, &ssh_session_table, &rows[i]));
    queue_push(bench.rows, batch);
    queue_close(bench.rows);
    store_run(store);
    CHECK(store_finish(store, true));
    CHECK_TEXT(ask(bench.path, "SELECT group_concat(server_version, ' ') FROM (SELECT server_version FROM ssh_session ORDER BY tunnel)"), "late second");
    CHECK_TEXT(ask(bench.path, "SELECT count(*) FROM pragma_table_info('ssh_sessions') WHERE name = 'tunnel'"), "0");
    end_bench(&bench);
}

static bool check_promise(const char *path, const struct promise *promise)
{
    char sql[160];
    const char *columns;
    size_t length = strlen(promise->columns);

    snprintf(sql, sizeof sql, "SELECT group_concat(name) FROM pragma_table_info('%s')", promise->view);
    columns = ask(path, sql);
    if (CHECK(strncmp(columns, promise->columns, length) == 0 && (columns[length] == ',' || columns[length] == '\0')))
        return true;
    printf("        %s\n        has:      %s\n        promised: %s\n", promise->view, columns, promise->columns);
    return false;
}

UNIT_TEST(store_views_are_those_promised)
{
    struct bench bench;

    CHECK(make_database_of_all(&bench));
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++)
        check_promise(bench.path, &promises[i]);
    end_bench(&bench);
}

/* What the documentation of a view says must be what the view is. */
static bool check_declared(void *context, const struct schema_view *view)
{
    const char *path = context;
    struct text declared = {.limit = 65536};
    char sql[160];

    for (size_t i = 0; i < view->column_count; i++) {
        text_append_item(&declared, ",", bytes_of_text(view->columns[i].name));
        CHECK(view->columns[i].doc != NULL && view->columns[i].doc[0] != '\0');
        CHECK(strchr(view->columns[i].doc, '\n') == NULL);
    }
    snprintf(sql, sizeof sql, "SELECT group_concat(name) FROM pragma_table_info('%s')", view->name);
    CHECK_TEXT(ask(path, sql), declared.at);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", view->name);
    CHECK_TEXT(ask(path, sql), "0");
    text_free(&declared);
    return true;
}

UNIT_TEST(store_views_are_as_documented)
{
    struct bench bench;

    CHECK(make_database_of_all(&bench));
    CHECK(schema_each_view(bench.options.tables, bench.options.table_count, bench.path, check_declared));
    end_bench(&bench);
}

static bool count_view(void *context, const struct schema_view *view)
{
    (void)view;
    ++*(unsigned *)context;
    return true;
}

UNIT_TEST(store_leaves_out_views_that_want_a_missing_table)
{
    static const struct record_table *const lone[] = {&finding_table, &file_table, &capture_table};
    unsigned views = 0;

    CHECK(schema_each_view(lone, 3, &views, count_view));
    CHECK(views == 1);
}

/* ---- the printed schema ---- */

/* What store_print_schema writes to stdout; the caller frees it. */
static char *printed_schema(const char *dialect, bool *is_known)
{
    size_t count;
    const struct record_table *const *tables = all_tables(&count);
    FILE *file = tmpfile();
    int saved;
    char *text = NULL;
    long length;

    if (file == NULL)
        return NULL;
    fflush(stdout);
    saved = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    *is_known = store_print_schema(tables, count, dialect);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    length = lseek(fileno(file), 0, SEEK_END);
    text = calloc(1, (size_t)length + 1);
    if (text != NULL && pread(fileno(file), text, (size_t)length, 0) != length)
        text[0] = '\0';
    fclose(file);
    return text;
}

UNIT_TEST(store_schema_that_is_printed_can_be_loaded)
{
    bool is_known = false;
    char *sql = printed_schema("sqlite", &is_known);
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    CHECK(is_known && sql != NULL);
    CHECK(sqlite3_open(":memory:", &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK);
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        char query[128];

        snprintf(query, sizeof query, "SELECT * FROM %s", promises[i].view);
        CHECK(sqlite3_prepare_v2(database, query, -1, &statement, NULL) == SQLITE_OK);
        sqlite3_finalize(statement);
    }
    CHECK(strstr(sql, "not filled yet") != NULL);
    sqlite3_close(database);
    free(sql);
}

UNIT_TEST(store_schema_for_clickhouse_names_every_view)
{
    bool is_known = false;
    char *sql = printed_schema("clickhouse", &is_known);
    char wanted[128];

    CHECK(is_known && sql != NULL);
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        snprintf(wanted, sizeof wanted, "CREATE TABLE %s\n(\n", promises[i].view);
        CHECK(strstr(sql, wanted) != NULL);
    }
    CHECK(strstr(sql, "    `id.orig_p` Nullable(Int64) COMMENT 'the client\\'s port; ICMP: the type',\n") != NULL);
    free(sql);
    sql = printed_schema("oracle", &is_known);
    CHECK(!is_known && sql != NULL && sql[0] == '\0');
    free(sql);
}

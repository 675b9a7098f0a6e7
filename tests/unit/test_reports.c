/* test_reports.c - reports/: the formats, what a reader may not do, text from the wire in HTML and on terminals. */
#include "reports/reports.h"

#include "base/file.h"
#include "base/finding.h"
#include "capture/capture.h"
#include "dissectors/conversation.h"
#include "reports/display.h"
#include "reports/numbers.h"
#include "reports/survey.h"
#include "store/store.h"
#include "streams/streams.h"
#include "tests/unit/check.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLES_MOST 64

struct place {
    char folder[64];
    char database[128];
    char html[128];
};

static bool execute(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    bool is_done =
        sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK && sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;

    sqlite3_close(database);
    return is_done;
}

static struct store *open_store(const struct place *place, enum store_mode mode, struct queue *rows, struct queue *empty)
{
    static const struct record_table *tables[TABLES_MOST];
    struct store_options options = {.path = place->database, .mode = mode, .tables = tables, .rows = rows, .empty = empty};
    size_t dissector_count;
    const struct record_table *const *dissector_tables = conversation_tables(&dissector_count);

    tables[options.table_count++] = &capture_table;
    tables[options.table_count++] = &flow_table;
    for (size_t i = 0; i < dissector_count; i++) {
        if (dissector_tables[i] != &file_table)
            tables[options.table_count++] = dissector_tables[i];
    }
    tables[options.table_count++] = &file_table;
    tables[options.table_count++] = &finding_table;
    return store_open(&options);
}

/* An empty database in a folder of its own. */
static bool begin_place(struct place *place)
{
    struct store *store;

    *place = (struct place){.folder = "reports-test-XXXXXX"};
    if (mkdtemp(place->folder) == NULL)
        return false;
    snprintf(place->database, sizeof place->database, "%s/out.db", place->folder);
    snprintf(place->html, sizeof place->html, "%s/out.html", place->folder);
    store = open_store(place, STORE_NEW, NULL, NULL);
    return store != NULL && store_finish(store, true);
}

static unsigned end_place(struct place *place)
{
    DIR *directory = opendir(place->folder);
    const struct dirent *entry;
    char path[512];
    unsigned files = 0;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        files++;
        snprintf(path, sizeof path, "%s/%s", place->folder, entry->d_name);
        unlink(path);
    }
    if (directory != NULL)
        closedir(directory);
    rmdir(place->folder);
    return files;
}

/* Sessions of three hosts; `wire` stands wherever text of the wire can stand. */
static bool fill(const struct place *place, const char *wire)
{
    char *sql = sqlite3_mprintf(
        "INSERT INTO capture (capture_id, source, kind, packets, bytes, truncated, finished, start_us) VALUES (1, %Q, 'file', 9, 900, 1, 1, "
        "1700000000000000);"
        "INSERT INTO flow (flow_id, capture_id, start_us, end_us, transport, client_ip, client_port, server_ip, server_port, protocol, ndpi_protocol,"
        " client_packets, server_packets, client_bytes, server_bytes) VALUES"
        " (1, 1, 1700000000000000, 1700000000250000, 'tcp', '10.0.0.1', 40000, '10.0.0.2', 22, 'ssh', 'SSH', 5, 4, 100, 2000),"
        " (2, 1, 1700000060000000, 1700000061000000, 'tcp', '2001:db8::1', 40001, '2001:db8::2', 25, 'smtp', 'SMTP', 3, 3, 50, 60),"
        " (3, 1, 1700000120000000, 1700000120000000, 'udp', '10.0.0.1', 5353, '10.0.0.2', 53, NULL, %Q, 1, 1, 10, 20);"
        "INSERT INTO ssh_session (flow_id, client_version, server_version) VALUES (1, %Q, 'SSH-2.0-server');"
        "INSERT INTO smtp_session (flow_id, helo, auth_user) VALUES (2, 'mail.example.test', %Q);"
        "INSERT INTO finding (flow_id, time_us, severity, name, detail) VALUES (1, 1700000000000000, 'warning', 'bad_thing', %Q), (1, "
        "1700000000000001, %Q, %Q, 'x');",
        wire, wire, wire, wire, wire, wire, wire);
    bool is_done = execute(place->database, sql);

    sqlite3_free(sql);
    return is_done;
}

/* Runs a report with stdout in a file; what it wrote, which the caller frees. Messages on stderr are dropped. */
struct captured {
    FILE *file;
    int saved_out;
    int saved_err;
};

static struct captured capture_begin(void)
{
    struct captured captured = {.file = tmpfile()};
    FILE *nowhere = fopen("/dev/null", "w");

    if (captured.file == NULL || nowhere == NULL)
        exit(2);
    fflush(NULL);
    captured.saved_out = dup(STDOUT_FILENO);
    captured.saved_err = dup(STDERR_FILENO);
    dup2(fileno(captured.file), STDOUT_FILENO);
    dup2(fileno(nowhere), STDERR_FILENO);
    fclose(nowhere);
    return captured;
}

static char *capture_end(struct captured *captured)
{
    long length;
    char *text;

    fflush(NULL);
    dup2(captured->saved_out, STDOUT_FILENO);
    dup2(captured->saved_err, STDERR_FILENO);
    close(captured->saved_out);
    close(captured->saved_err);
    length = lseek(fileno(captured->file), 0, SEEK_END);
    text = calloc(1, (size_t)length + 1);
    if (text == NULL || pread(fileno(captured->file), text, (size_t)length, 0) != length)
        exit(2);
    fclose(captured->file);
    return text;
}

static char *run_sql(const struct place *place, const char *sql, enum report_format format, int *status)
{
    struct captured captured = capture_begin();

    *status = report_sql(place->database, sql, format);
    return capture_end(&captured);
}

static void check_sql(const struct place *place, const char *sql, enum report_format format, const char *wanted)
{
    int status;
    char *found = run_sql(place, sql, format, &status);

    CHECK(status == 0);
    CHECK_TEXT(found, wanted);
    free(found);
}

/* ---- formats ---- */

UNIT_TEST(reports_formats_have_names)
{
    enum report_format format = REPORT_TABLE;

    CHECK(report_format_of("ndjson", &format) && format == REPORT_NDJSON);
    CHECK(report_format_of("table", &format) && format == REPORT_TABLE);
    CHECK(!report_format_of("xml", &format) && !report_format_of("", &format));
}

#define VALUES \
    "SELECT 42 n, 0.1 r, NULL missing, '' empty, 'a\"b,c' AS text, 'x' || char(10, 13, 9, 92) controls, char(27) || '[31m' steering," \
    " x'00ff' blob, 9e999 infinite, '\xc3\xa4\xe6\xbc\xa2' AS letters, ' =1+1' formula"

UNIT_TEST(reports_csv_is_exact)
{
    struct place place;

    CHECK(begin_place(&place));
    check_sql(&place, VALUES, REPORT_CSV,
              "n,r,missing,empty,text,controls,steering,blob,infinite,letters,formula\r\n"
              "42,0.1,,\"\",\"a\"\"b,c\",\"x\n\r\t\\\",\x1b[31m,00ff,inf,\xc3\xa4\xe6\xbc\xa2,\" =1+1\"\r\n");
    check_sql(&place, "SELECT 1 a WHERE 0", REPORT_CSV, "a\r\n");
    end_place(&place);
}

UNIT_TEST(reports_tsv_keeps_a_row_on_a_line)
{
    struct place place;

    CHECK(begin_place(&place));
    check_sql(&place, VALUES, REPORT_TSV,
              "n\tr\tmissing\tempty\ttext\tcontrols\tsteering\tblob\tinfinite\tletters\tformula\n"
              "42\t0.1\t\\N\t\ta\"b,c\tx\\n\\r\\t\\\\\t\x1b[31m\t00ff\tinf\t\xc3\xa4\xe6\xbc\xa2\t =1+1\n");
    end_place(&place);
}

#define JSON_OBJECT \
    "{\"n\":42,\"r\":0.1,\"missing\":null,\"empty\":\"\",\"text\":\"a\\\"b,c\",\"controls\":\"x\\n\\r\\t\\\\\",\"steering\":\"\\u001b[31m\"," \
    "\"blob\":\"00ff\",\"infinite\":null,\"letters\":\"\xc3\xa4\xe6\xbc\xa2\",\"formula\":\" =1+1\"}"

UNIT_TEST(reports_json_is_strict)
{
    struct place place;

    CHECK(begin_place(&place));
    check_sql(&place, VALUES, REPORT_NDJSON, JSON_OBJECT "\n");
    check_sql(&place, VALUES, REPORT_JSON, "[\n" JSON_OBJECT "\n]\n");
    check_sql(&place, "SELECT 1 a UNION ALL SELECT 2", REPORT_JSON, "[\n{\"a\":1},\n{\"a\":2}\n]\n");
    check_sql(&place, "SELECT 1 a WHERE 0", REPORT_JSON, "[]\n");
    /* bytes that are not UTF-8 can only come from the user's own expressions */
    check_sql(&place, "SELECT CAST(x'61ff62e282' AS TEXT) a, 9223372036854775807 b, 1e300 c", REPORT_NDJSON,
              "{\"a\":\"a\\ufffdb\\ufffd\\ufffd\",\"b\":9223372036854775807,\"c\":1e+300}\n");
    end_place(&place);
}

UNIT_TEST(reports_table_is_aligned_and_harmless)
{
    struct place place;

    CHECK(begin_place(&place));
    check_sql(&place, "SELECT 7 AS number, '\xe6\xbc\xa2\xe6\xbc\xa2' AS wide, char(27) || '[31m' AS bad UNION ALL SELECT 1000, 'ab', NULL",
              REPORT_TABLE,
              "number  wide  bad\n"
              "------  ----  --------\n"
              "     7  \xe6\xbc\xa2\xe6\xbc\xa2  \\x1b[31m\n"
              "  1000  ab    -\n");
    check_sql(&place, "SELECT 1 a; SELECT 2 b", REPORT_TABLE, "a\n-\n1\n\nb\n-\n2\n");
    end_place(&place);
}

UNIT_TEST(reports_table_goes_on_after_the_rows_it_looked_at)
{
    struct place place;
    int status;
    char *found;
    unsigned lines = 0;

    CHECK(begin_place(&place));
    found = run_sql(&place, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2500) SELECT x FROM c", REPORT_TABLE, &status);
    for (const char *at = found; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK(status == 0 && lines == 2502);
    CHECK(strstr(found, "\n2500\n") != NULL && strstr(found, "\n   1\n") != NULL);
    free(found);
    end_place(&place);
}

/* ---- reading alone ---- */

UNIT_TEST(reports_sql_cannot_change_anything)
{
    static const char *const refused[] = {
        "DELETE FROM flow",
        "INSERT INTO flow (flow_id) VALUES (9)",
        "UPDATE flow SET client_ip = 'x'",
        "DROP VIEW flows",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "CREATE VIRTUAL TABLE temp.x USING dbstat",
        "ATTACH 'attached.db' AS x",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO 'vacuumed.db'",
        "REINDEX",
        "ANALYZE",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = WAL",
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA temp_store_directory = '/'",
        "PRAGMA wal_checkpoint",
        "UPDATE sqlite_master SET sql = ''",
        "SELECT load_extension('x')",
        "SELECT writefile('written', 'x')",
        "SELECT 1; DELETE FROM flow",
    };
    struct place place;
    int status;

    CHECK(begin_place(&place));
    CHECK(fill(&place, "x"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        free(run_sql(&place, refused[i], REPORT_CSV, &status));
        if (!CHECK(status == 1))
            printf("        %s\n", refused[i]);
    }
    check_sql(&place, "SELECT count(*) c FROM flow; PRAGMA user_version", REPORT_NDJSON, "{\"c\":3}\n{\"user_version\":1}\n");
    CHECK(access("attached.db", F_OK) != 0 && access("vacuumed.db", F_OK) != 0 && access("written", F_OK) != 0);
    CHECK(end_place(&place) == 1);
}

UNIT_TEST(reports_sql_allows_what_reads)
{
    struct place place;

    CHECK(begin_place(&place));
    CHECK(fill(&place, "x"));
    check_sql(&place, "BEGIN; SELECT count(*) c FROM flows; COMMIT", REPORT_CSV, "c\r\n3\r\n");
    check_sql(&place, "SELECT value FROM json_each('[5]')", REPORT_CSV, "value\r\n5\r\n");
    check_sql(&place, "SELECT count(*) > 30 c FROM pragma_table_info('flows')", REPORT_CSV, "c\r\n1\r\n");
    check_sql(&place, " -- nothing\n ; SELECT 1 a -- more\n;; ", REPORT_CSV, "a\r\n1\r\n");
    end_place(&place);
}

UNIT_TEST(reports_tell_what_cannot_be_read)
{
    struct place place;
    struct captured captured;
    char *found;
    int status;

    CHECK(begin_place(&place));
    free(run_sql(&place, "SELECT nothing FRM flows", REPORT_CSV, &status));
    CHECK(status == 1);
    free(run_sql(&place, " ; ", REPORT_CSV, &status));
    CHECK(status == 2);
    found = run_sql(&place, "SELECT abs(-9223372036854775808)", REPORT_CSV, &status);
    CHECK(status == 1);
    CHECK_TEXT(found, "");
    free(found);
    captured = capture_begin();
    CHECK(report_info("no-such.db", REPORT_TABLE) == 1);
    CHECK(report_info("/dev/null", REPORT_TABLE) == 1);
    CHECK(report_info(place.folder, REPORT_TABLE) == 1);
    CHECK(execute(place.database, "PRAGMA application_id = 1"));
    CHECK(report_sessions(place.database, NULL, 0, REPORT_TABLE) == 1);
    free(capture_end(&captured));
    end_place(&place);
}

UNIT_TEST(reports_read_a_database_that_is_being_written)
{
    struct place place;
    struct store *store;
    struct queue *rows = queue_new(4);
    struct queue *empty = queue_new(4);
    struct row_batch *batch = row_batch_new(4096);
    struct finding finding = {.flow_id = record_integer(1), .severity = record_text_of("info")};

    CHECK(begin_place(&place));
    unlink(place.database);
    store = open_store(&place, STORE_LIVE, rows, empty);
    CHECK(store != NULL);
    CHECK(record_write(batch, &finding_table, &finding));
    queue_push(rows, batch);
    queue_close(rows);
    store_run(store); /* no tick: its transaction stays open */
    check_sql(&place, "SELECT count(*) c FROM findings", REPORT_CSV, "c\r\n0\r\n");
    CHECK(store_finish(store, true));
    check_sql(&place, "SELECT count(*) c FROM findings", REPORT_CSV, "c\r\n1\r\n");
    row_batch_free(queue_try_pop(empty));
    queue_free(rows);
    queue_free(empty);
    end_place(&place);
}

/* ---- the reports ---- */

UNIT_TEST(reports_sessions_are_for_people)
{
    struct place place;
    struct captured captured;
    char *found;

    CHECK(begin_place(&place));
    CHECK(fill(&place, "someone"));
    captured = capture_begin();
    CHECK(report_sessions(place.database, NULL, 0, REPORT_TSV) == 0);
    found = capture_end(&captured);
    CHECK(strncmp(found, "flow_id\tstart_time\tprotocol\tclient\tserver\tduration\tuser\toutcome\tsummary\n", 72) == 0);
    CHECK(strstr(found, "\n1\t2023-11-14T22:13:20.000000Z\tssh\t10.0.0.1:40000\t10.0.0.2:22\t0.25\t\\N\t") != NULL);
    CHECK(strstr(found, "\n2\t2023-11-14T22:14:20.000000Z\tsmtp\t[2001:db8::1]:40001\t[2001:db8::2]:25\t1\tsomeone\t") != NULL);
    free(found);
    captured = capture_begin();
    CHECK(report_sessions(place.database, "smtp", 0, REPORT_TSV) == 0);
    found = capture_end(&captured);
    CHECK(strstr(found, "\n1\t") == NULL && strstr(found, "\n2\t") != NULL);
    free(found);
    captured = capture_begin();
    CHECK(report_sessions(place.database, NULL, 1, REPORT_TSV) == 0);
    found = capture_end(&captured);
    CHECK(strstr(found, "\n1\t") != NULL && strstr(found, "\n2\t") == NULL);
    free(found);
    end_place(&place);
}

UNIT_TEST(reports_info_counts_the_rows)
{
    struct place place;
    struct captured captured;
    char *found;

    CHECK(begin_place(&place));
    CHECK(fill(&place, "some.pcap"));
    captured = capture_begin();
    CHECK(report_info(place.database, REPORT_TSV) == 0);
    found = capture_end(&captured);
    CHECK(strstr(found, "\nrows\tflows\t3\n") != NULL);
    CHECK(strstr(found, "\nrows\tssh_sessions\t1\n") != NULL);
    CHECK(strstr(found, "\ndatabase\tschema_version\t1\n") != NULL);
    CHECK(strstr(found, "\nwarning\t\\N\tsome.pcap: is cut off or corrupt: what stands before that place was read\n") != NULL);
    free(found);
    end_place(&place);
}

UNIT_TEST(reports_summary_adds_up)
{
    struct place place;
    struct captured captured;
    char *found;

    CHECK(begin_place(&place));
    captured = capture_begin();
    CHECK(report_summary(place.database, NULL) == 0); /* an empty database */
    CHECK(report_run_summary(place.database) == 0);
    free(capture_end(&captured));
    CHECK(fill(&place, "\x1b]0;x"));
    captured = capture_begin();
    CHECK(report_summary(place.database, NULL) == 0);
    CHECK(report_run_summary(place.database) == 0);
    found = capture_end(&captured);
    CHECK(strstr(found, "3 flows, 17 packets, 2.2 kB of payload, 4 hosts\n") != NULL);
    CHECK(strstr(found, "2023-11-14 22:13:20 to 2023-11-14 22:15:20 UTC (2 min)") != NULL);
    CHECK(strstr(found, "warning   bad_thing") != NULL);
    CHECK(strchr(found, 0x1b) == NULL && strstr(found, "\\x1b]0;x") != NULL);
    free(found);
    end_place(&place);
}

UNIT_TEST(reports_survey_counts_flows_where_they_begin)
{
    struct place place;
    sqlite3 *database = NULL;
    struct survey survey;

    CHECK(begin_place(&place));
    CHECK(fill(&place, "x"));
    CHECK(sqlite3_open(place.database, &database) == SQLITE_OK);
    CHECK(survey_take(database, true, &survey) == FORMAT_DONE);
    CHECK(survey.flows == 3 && survey.packets == 17 && survey.bytes == 2240);
    CHECK(survey.bucket_us == 2000000 && survey.bucket_count == 61);
    CHECK(survey.buckets[0].flows == 1 && survey.buckets[30].flows == 1 && survey.buckets[60].flows == 1);
    CHECK(survey.buckets[0].bytes == 2100);
    CHECK(survey.host_count == 4 && survey.hosts_seen == 4);
    CHECK_TEXT(survey.hosts[0].name, "10.0.0.1");
    CHECK(survey.hosts[0].flows == 2 && survey.hosts[0].bytes_sent == 110 && survey.hosts[0].bytes_received == 2020);
    CHECK(survey.protocol_count == 3);
    sqlite3_close(database);
    /* times that a hostile file may claim */
    CHECK(execute(place.database, "UPDATE flow SET start_us = -9223372036854775807 WHERE flow_id = 1;"
                                  "UPDATE flow SET end_us = 9223372036854775807 WHERE flow_id = 2"));
    CHECK(sqlite3_open(place.database, &database) == SQLITE_OK);
    CHECK(survey_take(database, true, &survey) == FORMAT_DONE);
    CHECK(survey.flows == 3 && survey.bucket_count <= SURVEY_BUCKETS_MOST);
    sqlite3_close(database);
    end_place(&place);
}

UNIT_TEST(reports_survey_tells_many_hosts_apart)
{
    struct place place;
    sqlite3 *database = NULL;
    struct survey survey;

    CHECK(begin_place(&place));
    CHECK(execute(place.database, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000)"
                                  "INSERT INTO flow (start_us, client_ip, server_ip, client_bytes, server_bytes)"
                                  "SELECT x, '10.0.' || (x % 2500 / 250) || '.' || (x % 250), '10.1.0.1', x % 2500, 0 FROM c"));
    CHECK(sqlite3_open(place.database, &database) == SQLITE_OK);
    CHECK(survey_take(database, false, &survey) == FORMAT_DONE);
    CHECK(survey.hosts_seen == 2501);
    CHECK_TEXT(survey.hosts[0].name, "10.1.0.1");
    CHECK_TEXT(survey.hosts[1].name, "10.0.9.249");
    CHECK(survey.hosts[1].flows == 2 && survey.hosts[1].bytes_sent == 4998);
    sqlite3_close(database);
    end_place(&place);
}

/* ---- the views that add flows up ---- */

UNIT_TEST(reports_views_add_flows_up)
{
    struct place place;

    CHECK(begin_place(&place));
    CHECK(fill(&place, "dns"));
    check_sql(&place,
              "SELECT ip, last_us - first_us, flows_as_client, flows_as_server, bytes_sent, bytes_received, protocols, first_time FROM hosts WHERE "
              "ip LIKE '10.%'",
              REPORT_TSV,
              "ip\tlast_us - first_us\tflows_as_client\tflows_as_server\tbytes_sent\tbytes_received\tprotocols\tfirst_time\n"
              "10.0.0.1\t120000000\t2\t0\t110\t2020\tdns,ssh\t2023-11-14T22:13:20.000000Z\n"
              "10.0.0.2\t120000000\t0\t2\t2020\t110\tdns,ssh\t2023-11-14T22:13:20.000000Z\n");
    check_sql(&place,
              "SELECT client_ip c, server_ip s, flows, client_packets cp, server_packets sp, client_bytes cb, server_bytes sb, protocols FROM "
              "conversations",
              REPORT_TSV,
              "c\ts\tflows\tcp\tsp\tcb\tsb\tprotocols\n"
              "10.0.0.1\t10.0.0.2\t2\t6\t5\t110\t2020\tdns,ssh\n"
              "2001:db8::1\t2001:db8::2\t1\t3\t3\t50\t60\tsmtp\n");
    check_sql(&place, "SELECT protocol, ndpi_protocol, transport, flows, packets, bytes FROM protocols ORDER BY bytes", REPORT_TSV,
              "protocol\tndpi_protocol\ttransport\tflows\tpackets\tbytes\n"
              "\\N\tdns\tudp\t1\t2\t30\n"
              "smtp\tSMTP\ttcp\t1\t6\t110\n"
              "ssh\tSSH\ttcp\t1\t9\t2100\n");
    check_sql(&place, "SELECT minute_us, minute, flows, sessions, packets, bytes FROM timeline", REPORT_TSV,
              "minute_us\tminute\tflows\tsessions\tpackets\tbytes\n"
              "1699999980000000\t2023-11-14T22:13Z\t1\t1\t9\t2100\n"
              "1700000040000000\t2023-11-14T22:14Z\t1\t1\t6\t110\n"
              "1700000100000000\t2023-11-14T22:15Z\t1\t0\t2\t30\n");
    end_place(&place);
}

UNIT_TEST(reports_views_join_the_flow)
{
    struct place place;

    CHECK(begin_place(&place));
    CHECK(fill(&place, "dns"));
    check_sql(&place,
              "SELECT uid, \"id.orig_h\", \"id.resp_p\", proto, service, duration, orig_bytes, resp_pkts, missed_bytes, history FROM zeek_conn WHERE "
              "ts < 1700000000.5",
              REPORT_TSV,
              "uid\tid.orig_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_pkts\tmissed_bytes\thistory\n"
              "C1\t10.0.0.1\t22\ttcp\tssh\t0.25\t100\t4\t\\N\t\\N\n");
    CHECK(execute(place.database, "UPDATE flow SET client_missing = 0, server_missing = 7 WHERE flow_id = 2"));
    check_sql(&place, "SELECT orig_bytes, resp_bytes, missed_bytes FROM zeek_conn WHERE uid = 'C2'", REPORT_TSV,
              "orig_bytes\tresp_bytes\tmissed_bytes\n50\t67\t7\n");
    check_sql(&place, "SELECT protocol, start_us, duration, client_ip, server_port, user, bytes FROM sessions ORDER BY flow_id", REPORT_TSV,
              "protocol\tstart_us\tduration\tclient_ip\tserver_port\tuser\tbytes\n"
              "ssh\t1700000000000000\t0.25\t10.0.0.1\t22\t\\N\t2100\n"
              "smtp\t1700000060000000\t1\t2001:db8::1\t25\tdns\t110\n");
    check_sql(&place, "SELECT flow_id, name, client_ip, server_ip, time FROM findings LIMIT 1", REPORT_TSV,
              "flow_id\tname\tclient_ip\tserver_ip\ttime\n"
              "1\tbad_thing\t10.0.0.1\t10.0.0.2\t2023-11-14T22:13:20.000000Z\n");
    /* a row whose flow is not over yet is there all the same */
    CHECK(execute(place.database, "DELETE FROM flow WHERE flow_id = 1"));
    check_sql(&place, "SELECT protocol, start_time, client_ip, bytes FROM sessions WHERE flow_id = 1", REPORT_TSV,
              "protocol\tstart_time\tclient_ip\tbytes\nssh\t\\N\t\\N\t\\N\n");
    end_place(&place);
}

/* ---- HTML ---- */

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);

    if (file == NULL || text == NULL || fread(text, 1, (1 << 20) - 1, file) == 0)
        exit(2);
    fclose(file);
    return text;
}

UNIT_TEST(reports_html_escapes_what_came_from_the_wire)
{
    struct place place;
    struct stat status;
    char *page;

    CHECK(begin_place(&place));
    CHECK(fill(&place, "</title></style><script>alert(1)</script><img src=x onerror=\"a\" o='b'>&amp;"));
    CHECK(report_summary(place.database, place.html) == 0);
    page = read_whole(place.html);
    CHECK(strstr(page, "<script") == NULL && strstr(page, "<img") == NULL);
    CHECK(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&quot;a&quot; o=&#39;b&#39;&gt;&amp;amp;") != NULL);
    CHECK(strstr(page, "Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-") != NULL);
    CHECK(strstr(page, "http://") == NULL && strstr(page, "https://") == NULL && strstr(page, "url(") == NULL && strstr(page, "@import") == NULL);
    CHECK(strstr(page, "</html>\n") != NULL);
    CHECK(stat(place.html, &status) == 0 && (status.st_mode & 07) == 0);
    free(page);
    /* an earlier report is replaced, and nothing else is left */
    CHECK(report_summary(place.database, place.html) == 0);
    CHECK(end_place(&place) == 2);
}

UNIT_TEST(reports_html_can_go_to_standard_output)
{
    struct place place;
    struct captured captured;
    char *page;

    CHECK(begin_place(&place));
    captured = capture_begin();
    CHECK(report_summary(place.database, "-") == 0);
    CHECK(report_summary(place.database, "no-such-folder/report.html") == 1);
    page = capture_end(&captured);
    CHECK(strncmp(page, "<!DOCTYPE html>\n", 16) == 0);
    CHECK(strstr(page, "</html>\n") != NULL);
    free(page);
    CHECK(end_place(&place) == 1);
}

/* ---- text and numbers ---- */

static const char *shown(const char *text, size_t length)
{
    static char result[256];
    struct text out = {.limit = sizeof result - 1};

    display_append(&out, bytes_of(text, length));
    snprintf(result, sizeof result, "%s", out.at == NULL ? "" : out.at);
    text_free(&out);
    return result;
}

UNIT_TEST(reports_display_leaves_nothing_that_steers_a_terminal)
{
    CHECK_TEXT(shown("plain \xc3\xa4", 8), "plain \xc3\xa4");
    CHECK_TEXT(shown("a\nb\tc\0\x1b\x7f", 8), "a\\nb\\tc\\x00\\x1b\\x7f");
    CHECK_TEXT(shown("\xc2\x9b\x31m", 4), "\\u{009B}1m");             /* CSI as one character */
    CHECK_TEXT(shown("\xe2\x80\xaetxt.exe", 10), "\\u{202E}txt.exe"); /* right-to-left override */
    CHECK_TEXT(shown("\xff\xc3", 2), "\\xff\\xc3");
    CHECK_TEXT(shown("\xed\xa0\x80", 3), "\\xed\\xa0\\x80"); /* a surrogate */
    CHECK_TEXT(shown("\xc0\xaf", 2), "\\xc0\\xaf");          /* overlong */
}

UNIT_TEST(reports_display_knows_widths)
{
    CHECK(display_width(bytes_of_text("abc")) == 3);
    CHECK(display_width(bytes_of_text("\xe6\xbc\xa2")) == 2);
    CHECK(display_width(bytes_of_text("e\xcc\x81")) == 1);
    CHECK(display_cut(bytes_of_text("a\xe6\xbc\xa2"), 2).length == 1);
    CHECK(display_cut(bytes_of_text("a\xe6\xbc\xa2"), 3).length == 4);
    CHECK(display_cut(bytes_of_text("abc"), 0).length == 0);
}

UNIT_TEST(reports_numbers_are_for_people)
{
    char out[NUMBER_SIZE];

    CHECK_TEXT(number_grouped(0, out), "0");
    CHECK_TEXT(number_grouped(999, out), "999");
    CHECK_TEXT(number_grouped(1234567, out), "1,234,567");
    CHECK_TEXT(number_grouped(UINT64_MAX, out), "18,446,744,073,709,551,615");
    CHECK_TEXT(number_of_bytes(999, out), "999 B");
    CHECK_TEXT(number_of_bytes(1500, out), "1.5 kB");
    CHECK_TEXT(number_of_bytes(999600, out), "1.0 MB");
    CHECK_TEXT(number_of_bytes(23400000, out), "23 MB");
    CHECK_TEXT(number_of_time_span(250000, out), "0.25 s");
    CHECK_TEXT(number_of_time_span(60000000, out), "1 min");
    CHECK_TEXT(number_of_time_span(INT64_C(90061000000), out), "1 d 1 h");
    CHECK_TEXT(number_of_time(1700000000000000, out), "2023-11-14 22:13:20");
    CHECK_TEXT(number_of_time(INT64_MAX, out), "294247-01-10 04:00:54");
}

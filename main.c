/*
 * main.c - the command line.
 */
#include "base/log.h"
#include "base/target.h"
#include "base/vault.h"
#include "capture/extract.h"
#include "dissectors/rdp_private_keys.h"
#include "dissectors/tls_keylog.h"
#include "dissectors/tls_rsa_keys.h"
#include "pipeline.h"
#include "reports/reports.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef WIRESCRIBE_VERSION
#define WIRESCRIBE_VERSION "unknown"
#endif

#define THREADS_MOST 64
#define KEY_FILES_MOST 64
#define TEXT_LIMIT_MOST (16 << 20)
#define DEFAULT_DATABASE "wirescribe.db"
#define KEPT_MEMORY_BYTES (64 << 20)

enum exit_status {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
};

static volatile sig_atomic_t stop_requested;

static const char usage_text[] =
    "wirescribe reads network traffic and writes what was said into one SQLite database.\n"
    "\n"
    "Usage:\n"
    "  wirescribe read FILE... [-o DB]       analyze capture files (pcap, pcapng, also .gz and .zst;\n"
    "                                        a directory: all captures in it; -: standard input)\n"
    "  wirescribe live -i IFACE -o DB        watch a network device until Ctrl-C\n"
    "  wirescribe sessions DB                one line a session\n"
    "  wirescribe files DB                   one line a file that moved\n"
    "  wirescribe sql DB \"SELECT ...\"        ask in SQL, read-only\n"
    "  wirescribe pcap DB FLOW... -w OUT     write the packets of flows out again as a capture\n"
    "  wirescribe report DB [--html FILE]    totals, protocols, hosts, a timeline\n"
    "  wirescribe info DB                    what the database holds\n"
    "  wirescribe schema                     tables, views and what each column means\n"
    "\n"
    "read and live:\n"
    "  -o, --output DB      the database to write (read: default " DEFAULT_DATABASE ")\n"
    "      --append         add to an existing database, in one transaction\n"
    "  -f, --filter BPF     only packets that match this filter (see pcap-filter(7))\n"
    "  -c, --count N        stop after N packets\n"
    "      --threads N      worker threads, 1 to 64 (default: by the processors)\n"
    "      --memory SIZE    bytes that the run may use, as in 512M or 4G (default: half of the machine's)\n"
    "      --tcp-policy P   how the receiving hosts treat overlapping segments and fragments: linux (default), first,\n"
    "                       last, windows or bsd\n"
    "      --checksums C    packets with a wrong checksum: verify leaves them out, offload (default)\n"
    "                       tells those a network card was to fill in from wrong ones, ignore believes all\n"
    "      --passwords      record passwords too, where a protocol shows them (default: never)\n"
    "      --keystrokes     record what was typed too, where a protocol shows it (default: never)\n"
    "      --text-limit BYTES  of a WebSocket's text messages, so much of each is recorded (default 4096; 0: nothing)\n"
    "      --rdp-key FILE   private key of an RDP server (xrdp's rsakeys.ini, or PEM): opens its standard RDP security\n"
    "      --keys FILE      secrets of TLS sessions, as SSLKEYLOGFILE writes them (may be given again); what they open is\n"
    "                       read like traffic in the clear, and its rows say encrypted = 1; live: FILE may grow\n"
    "      --rsa-key FILE   private RSA key of a TLS server in PEM (may be given again): opens sessions of TLS 1.0 to 1.2 whose\n"
    "                       secret was sent encrypted for it (cipher suites TLS_RSA_...)\n"
    "      --store-files DIR  store the contents of files there, each once, named by its SHA-256\n"
    "      --store-file-limit SIZE   of one file (default 100M); larger ones are not stored\n"
    "      --store-total-limit SIZE  of all files of this run (default 10G)\n"
    "      --no-ndpi        do not name flows by nDPI: faster; the ndpi_ columns stay NULL\n"
    "  -q, --quiet          no progress, no summary; warnings and errors only\n"
    "live:\n"
    "  -i, --interface IF   the device, as `ip link` names it\n"
    "      --snaplen N      bytes captured of each packet (default 262144)\n"
    "      --no-promiscuous only this machine's own traffic\n"
    "sessions, files, sql, info:\n"
    "      --format F       table (default), csv, tsv, json or ndjson\n"
    "sessions, files:\n"
    "      --protocol P     only smtp, ssh, websocket, rdp or ftp\n"
    "      --limit N        at most N lines\n"
    "pcap:\n"
    "  -w, --write OUT      the capture to write (-: standard output)\n"
    "      --where SQL      all flows that fit, as in \"protocol = 'ftp'\" (columns of the view flows)\n"
    "      --with-data      also the data connections of the chosen flows\n"
    "      --captures DIR   where captures that are not at their place any more are looked for\n"
    "report:\n"
    "      --html FILE      one self-contained HTML file instead of text (-: standard output)\n"
    "schema:\n"
    "      --dialect D      sqlite (default) or clickhouse\n"
    "\n"
    "  -h, --help           this text\n"
    "      --version        the version\n"
    "\n"
    "Exit status: 0 done, 1 something failed (what could be read is kept), 2 wrong usage.\n"
    "NO_COLOR turns colours off. The manual: man wirescribe.\n";

/* Long options without a letter. */
enum long_option {
    OPTION_APPEND = 256,
    OPTION_THREADS,
    OPTION_CHECKSUMS,
    OPTION_PASSWORDS,
    OPTION_KEYSTROKES,
    OPTION_TEXT_LIMIT,
    OPTION_RDP_KEY,
    OPTION_KEYS,
    OPTION_RSA_KEY,
    OPTION_STORE_FILES,
    OPTION_STORE_FILE_LIMIT,
    OPTION_STORE_TOTAL_LIMIT,
    OPTION_NO_NDPI,
    OPTION_TCP_POLICY,
    OPTION_MEMORY,
    OPTION_SNAPLEN,
    OPTION_NO_PROMISCUOUS,
    OPTION_FORMAT,
    OPTION_PROTOCOL,
    OPTION_LIMIT,
    OPTION_HTML,
    OPTION_WHERE,
    OPTION_WITH_DATA,
    OPTION_CAPTURES,
    OPTION_DIALECT,
    OPTION_VERSION,
};

/* Paths, in the order given. */
struct key_files {
    const char *paths[KEY_FILES_MOST];
    size_t count;
};

/* Everything that can be said on the command line. */
struct arguments {
    struct pipeline_options pipeline;
    bool is_quiet;
    bool wants_help;
    bool wants_version;
    struct key_files rdp_keys; /* --rdp-key */
    struct key_files key_logs; /* --keys */
    struct key_files rsa_keys; /* --rsa-key */
    const char *store_files; /* NULL: contents are not stored */
    uint64_t store_file_limit;
    uint64_t store_total_limit;
    const char *output;
    const char *protocol;
    long limit;
    const char *html;
    const char *write;
    const char *captures;
    struct report_choice choice;
    const char *dialect;
    enum report_format format;
    const char *given[OPTION_VERSION + 1]; /* names of the options that were given, for the check against the command */
    char *const *rest;
    size_t rest_count;
};

static int usage_error(const char *what)
{
    log_error("%s; `wirescribe --help` tells the usage", what);
    return STATUS_USAGE;
}

/* A whole number from `least` to `most`; false otherwise, with an error logged. */
static bool parse_number(const char *option, const char *text, long least, long most, long *number)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *number >= least && *number <= most)
        return true;
    log_error("%s takes a whole number from %ld to %ld, not '%s'", option, least, most, text);
    return false;
}

/* Bytes, with K, M or G behind the number for the powers of 1024. */
static bool parse_size(const char *option, const char *text, uint64_t *bytes)
{
    static const char units[] = "KMG";
    unsigned long long number;
    const char *unit;
    char *end;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno == 0 && end != text && text[0] != '-' && number > 0) {
        unit = *end != '\0' ? strchr(units, *end & ~0x20) : NULL;
        *bytes = number;
        for (const char *at = units; unit != NULL && at <= unit && *bytes <= UINT64_MAX >> 10; at++)
            *bytes <<= 10;
        if (*end == '\0' || (unit != NULL && end[1] == '\0' && *bytes >> 10 >= number))
            return true;
    }
    log_error("%s takes a number of bytes, as in 512M or 4G, not '%s'", option, text);
    return false;
}

/* As parse_size, up to TEXT_LIMIT_MOST; 0: no texts. */
static bool parse_text_limit(const char *text, struct recording_options *recording)
{
    uint64_t bytes = 0;

    recording->omits_text = strcmp(text, "0") == 0;
    if (!recording->omits_text && !parse_size("--text-limit", text, &bytes))
        return false;
    if (bytes > TEXT_LIMIT_MOST) {
        log_error("--text-limit takes %d bytes at most, not '%s'", TEXT_LIMIT_MOST, text);
        return false;
    }
    recording->text_limit = (size_t)bytes;
    return true;
}

static bool parse_policy(const char *text, enum overlap_policy *policy)
{
    static const char *const names[OVERLAP_POLICIES] = {
        [OVERLAP_LINUX] = "linux", [OVERLAP_FIRST] = "first", [OVERLAP_LAST] = "last", [OVERLAP_WINDOWS] = "windows", [OVERLAP_BSD] = "bsd"};

    for (int i = 0; i < OVERLAP_POLICIES; i++) {
        if (strcmp(text, names[i]) == 0) {
            *policy = (enum overlap_policy)i;
            return true;
        }
    }
    log_error("--tcp-policy takes linux, first, last, windows or bsd, not '%s'", text);
    return false;
}

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"append", no_argument, NULL, OPTION_APPEND},
    {"filter", required_argument, NULL, 'f'},
    {"count", required_argument, NULL, 'c'},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"checksums", required_argument, NULL, OPTION_CHECKSUMS},
    {"passwords", no_argument, NULL, OPTION_PASSWORDS},
    {"keystrokes", no_argument, NULL, OPTION_KEYSTROKES},
    {"text-limit", required_argument, NULL, OPTION_TEXT_LIMIT},
    {"rdp-key", required_argument, NULL, OPTION_RDP_KEY},
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"rsa-key", required_argument, NULL, OPTION_RSA_KEY},
    {"store-files", required_argument, NULL, OPTION_STORE_FILES},
    {"store-file-limit", required_argument, NULL, OPTION_STORE_FILE_LIMIT},
    {"store-total-limit", required_argument, NULL, OPTION_STORE_TOTAL_LIMIT},
    {"no-ndpi", no_argument, NULL, OPTION_NO_NDPI},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"tcp-policy", required_argument, NULL, OPTION_TCP_POLICY},
    {"quiet", no_argument, NULL, 'q'},
    {"interface", required_argument, NULL, 'i'},
    {"snaplen", required_argument, NULL, OPTION_SNAPLEN},
    {"no-promiscuous", no_argument, NULL, OPTION_NO_PROMISCUOUS},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"protocol", required_argument, NULL, OPTION_PROTOCOL},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"write", required_argument, NULL, 'w'},
    {"where", required_argument, NULL, OPTION_WHERE},
    {"with-data", no_argument, NULL, OPTION_WITH_DATA},
    {"captures", required_argument, NULL, OPTION_CAPTURES},
    {"html", required_argument, NULL, OPTION_HTML},
    {"dialect", required_argument, NULL, OPTION_DIALECT},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const char *option_name(int letter)
{
    for (const struct option *option = long_options; option->name != NULL; option++) {
        if (option->val == letter)
            return option->name;
    }
    return NULL;
}

static bool parse_checksums(const char *word, enum checksum_mode *mode)
{
    static const char *const words[] = {[CHECKSUMS_OFFLOAD] = "offload", [CHECKSUMS_VERIFY] = "verify", [CHECKSUMS_IGNORE] = "ignore"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) != 0)
            continue;
        *mode = (enum checksum_mode)i;
        return true;
    }
    log_error("--checksums takes verify, offload or ignore, not '%s'", word);
    return false;
}

static bool take_key_file(struct key_files *files, const char *option, const char *path)
{
    if (files->count == KEY_FILES_MOST) {
        log_error("%s can be given %d times at most", option, KEY_FILES_MOST);
        return false;
    }
    files->paths[files->count++] = path;
    return true;
}

static bool take_option(struct arguments *arguments, int letter, const char *value)
{
    long number;

    arguments->given[letter] = option_name(letter);
    switch (letter) {
    case 'o':
        arguments->output = value;
        return true;
    case OPTION_APPEND:
        arguments->pipeline.append = true;
        return true;
    case 'f':
        arguments->pipeline.filter = value;
        return true;
    case 'c':
        if (!parse_number("--count", value, 1, 1000000000000, &number))
            return false;
        arguments->pipeline.most_packets = (uint64_t)number;
        return true;
    case OPTION_THREADS:
        if (!parse_number("--threads", value, 1, THREADS_MOST, &number))
            return false;
        arguments->pipeline.threads = (unsigned)number;
        return true;
    case OPTION_CHECKSUMS:
        return parse_checksums(value, &arguments->pipeline.checksums);
    case OPTION_PASSWORDS:
        arguments->pipeline.recording.passwords = true;
        return true;
    case OPTION_KEYSTROKES:
        arguments->pipeline.recording.keystrokes = true;
        return true;
    case OPTION_TEXT_LIMIT:
        return parse_text_limit(value, &arguments->pipeline.recording);
    case OPTION_RDP_KEY:
        return take_key_file(&arguments->rdp_keys, "--rdp-key", value);
    case OPTION_KEYS:
        return take_key_file(&arguments->key_logs, "--keys", value);
    case OPTION_RSA_KEY:
        return take_key_file(&arguments->rsa_keys, "--rsa-key", value);
    case OPTION_STORE_FILES:
        arguments->store_files = value;
        return true;
    case OPTION_STORE_FILE_LIMIT:
        return parse_size("--store-file-limit", value, &arguments->store_file_limit);
    case OPTION_STORE_TOTAL_LIMIT:
        return parse_size("--store-total-limit", value, &arguments->store_total_limit);
    case OPTION_NO_NDPI:
        arguments->pipeline.names_flows = false;
        return true;
    case OPTION_MEMORY:
        return parse_size("--memory", value, &arguments->pipeline.memory);
    case OPTION_TCP_POLICY:
        return parse_policy(value, &arguments->pipeline.tcp_policy);
    case 'q':
        arguments->is_quiet = true;
        return true;
    case 'i':
        arguments->pipeline.device.device = value;
        return true;
    case OPTION_SNAPLEN:
        if (!parse_number("--snaplen", value, 64, 262144, &number))
            return false;
        arguments->pipeline.device.snaplen = (int)number;
        return true;
    case OPTION_NO_PROMISCUOUS:
        arguments->pipeline.device.promiscuous = false;
        return true;
    case OPTION_FORMAT:
        if (report_format_of(value, &arguments->format))
            return true;
        log_error("--format takes table, csv, tsv, json or ndjson, not '%s'", value);
        return false;
    case OPTION_PROTOCOL:
        arguments->protocol = value;
        return true;
    case OPTION_LIMIT:
        return parse_number("--limit", value, 1, 1000000000, &arguments->limit);
    case 'w':
        arguments->write = value;
        return true;
    case OPTION_WHERE:
        arguments->choice.where = value;
        return true;
    case OPTION_WITH_DATA:
        arguments->choice.with_data = true;
        return true;
    case OPTION_CAPTURES:
        arguments->captures = value;
        return true;
    case OPTION_HTML:
        arguments->html = value;
        return true;
    case OPTION_DIALECT:
        arguments->dialect = value;
        return true;
    case OPTION_VERSION:
        arguments->wants_version = true;
        return true;
    case 'h':
        arguments->wants_help = true;
        return true;
    default:
        return false;
    }
}

static bool parse(struct arguments *arguments, int count, char **words)
{
    int letter;

    *arguments = (struct arguments){
        .store_file_limit = VAULT_FILE_LIMIT,
        .store_total_limit = VAULT_TOTAL_LIMIT,
        .pipeline = {.names_flows = true, .stop = &stop_requested, .device = {.promiscuous = true}}, .format = REPORT_TABLE, .dialect = "sqlite"};
    opterr = 0;
    while ((letter = getopt_long(count, words, ":o:f:c:qi:w:h", long_options, NULL)) != -1) {
        if (letter == ':' || letter == '?') {
            const char *word = words[optind - 1];

            log_error(letter == ':' ? "%s wants a value; `wirescribe --help` tells the usage" : "unknown option %s; `wirescribe --help` tells the usage", word);
            return false;
        }
        if (!take_option(arguments, letter, optarg))
            return false;
    }
    arguments->rest = words + optind;
    arguments->rest_count = (size_t)(count - optind);
    return true;
}

/* ---- progress ---- */

static struct timespec started;
static bool progress_is_shown;

static void clear_progress(void)
{
    if (progress_is_shown)
        fprintf(stderr, "\r\033[K");
    progress_is_shown = false;
}

static double seconds_since_start(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - started.tv_sec) + (double)(now.tv_nsec - started.tv_nsec) / 1e9;
}

static void show_progress(void *context, const struct capture_totals *totals)
{
    double seconds = seconds_since_start();
    double read = (double)totals->file_bytes_read;
    double total = (double)totals->file_bytes_total;

    (void)context;
    if (seconds < 0.2)
        return;
    clear_progress();
    if (total > 0 && read <= total)
        fprintf(stderr, "%3.0f%%  ", 100 * read / total);
    if (read > 0)
        fprintf(stderr, "%.0f MB/s  ", read / seconds / 1e6);
    fprintf(stderr, "%llu packets  %llu flows", (unsigned long long)totals->packets, (unsigned long long)totals->flows);
    if (total > 0 && read > 0 && read <= total) {
        unsigned left = (unsigned)((total - read) * seconds / read + 0.5);

        fprintf(stderr, "  %u:%02u left", left / 60, left % 60);
    }
    if (totals->dropped_kernel + totals->dropped_queue > 0)
        fprintf(stderr, "  %llu dropped", (unsigned long long)(totals->dropped_kernel + totals->dropped_queue));
    fflush(stderr);
    progress_is_shown = true;
}

/* ---- read and live ---- */

static void on_signal(int number)
{
    (void)number;
    stop_requested = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESETHAND; /* a second Ctrl-C ends at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void tell_totals(const struct arguments *arguments, const struct pipeline_result *result)
{
    const struct capture_totals *totals = &result->totals;
    double seconds = seconds_since_start();
    unsigned long long errors =
        totals->decode_results[DECODE_SHORT] + totals->decode_results[DECODE_BAD] + totals->decode_results[DECODE_LINK_TYPE];

    log_note("%llu packets, %.1f MB in %.2f s -> %s", (unsigned long long)totals->packets, (double)totals->wire_bytes / 1e6, seconds, arguments->output);
    if (totals->decode_results[DECODE_LINK_TYPE] > 0)
        log_warning("%llu packets are of a link type that wirescribe does not decode", (unsigned long long)totals->decode_results[DECODE_LINK_TYPE]);
    if (errors > totals->decode_results[DECODE_LINK_TYPE])
        log_warning("%llu packets have headers that are cut off or contradict themselves", errors - (unsigned long long)totals->decode_results[DECODE_LINK_TYPE]);
    if (totals->refused > 0)
        log_warning("%llu packets were left out for their checksums", (unsigned long long)totals->refused);
    if (totals->incomplete_datagrams > 0)
        log_warning("%llu fragmented datagrams could not be put together", (unsigned long long)totals->incomplete_datagrams);
    if (totals->dropped_kernel + totals->dropped_queue > 0)
        log_warning("%llu packets were dropped by the kernel and %llu for want of room in the queues", (unsigned long long)totals->dropped_kernel,
                    (unsigned long long)totals->dropped_queue);
}

/* Keys of all kinds; owned. */
struct keys {
    struct rdp_private_keys *rdp;
    struct tls_secrets *tls;        /* those given, and those that captures hold */
    struct tls_keylogs *followed;   /* live; NULL otherwise */
    struct tls_rsa_keys *tls_servers;
};

static bool follow_key_logs(const struct arguments *arguments, struct keys *keys)
{
    keys->followed = tls_keylogs_new();
    for (size_t i = 0; keys->followed != NULL && i < arguments->key_logs.count; i++) {
        if (!tls_keylogs_follow(keys->followed, keys->tls, arguments->key_logs.paths[i]))
            return false;
    }
    if (keys->followed == NULL)
        return false;
    tls_secrets_set_feeder(keys->tls, tls_keylogs_feeder(keys->followed));
    tls_secrets_set_growing(keys->tls, true);
    return true;
}

static bool load_key_logs(const struct arguments *arguments, struct keys *keys)
{
    keys->tls = tls_secrets_new();
    if (keys->tls == NULL) {
        log_error("out of memory");
        return false;
    }
    if (arguments->key_logs.count == 0)
        return true;
    tls_secrets_set_given(keys->tls);
    if (arguments->pipeline.device.device != NULL)
        return follow_key_logs(arguments, keys);
    for (size_t i = 0; i < arguments->key_logs.count; i++) {
        if (!tls_keylog_load(keys->tls, arguments->key_logs.paths[i]))
            return false;
    }
    return true;
}

/* False after an error was logged; the keys so far are the caller's to free. */
static bool load_keys(const struct arguments *arguments, struct keys *keys)
{
    for (size_t i = 0; i < arguments->rdp_keys.count; i++) {
        if (!rdp_private_keys_add(&keys->rdp, arguments->rdp_keys.paths[i]))
            return false;
    }
    for (size_t i = 0; i < arguments->rsa_keys.count; i++) {
        if (!tls_rsa_keys_add(&keys->tls_servers, arguments->rsa_keys.paths[i]))
            return false;
    }
    return load_key_logs(arguments, keys);
}

static void free_keys(struct keys *keys)
{
    rdp_private_keys_free(keys->rdp);
    tls_secrets_free(keys->tls);
    tls_keylogs_free(keys->followed);
    tls_rsa_keys_free(keys->tls_servers);
}

/* The stages, with the vault open and the keys there as long as they run. False where they could not be started: an error was logged. */
static bool run_stages_with(struct arguments *arguments, const struct keys *keys, struct pipeline_result *result)
{
    struct vault *vault = NULL;
    bool was_run;

    if (arguments->store_files != NULL) {
        vault = vault_open(arguments->store_files, arguments->store_file_limit, arguments->store_total_limit);
        if (vault == NULL)
            return false;
    }
    arguments->pipeline.recording.vault = vault;
    arguments->pipeline.recording.rdp_keys = keys->rdp;
    arguments->pipeline.recording.tls_secrets = keys->tls;
    arguments->pipeline.recording.tls_rsa_keys = keys->tls_servers;
    was_run = pipeline_run(&arguments->pipeline, result);
    clear_progress();
    vault_close(vault);
    return was_run;
}

static bool run_stages(struct arguments *arguments, struct pipeline_result *result)
{
    struct keys keys = {.rdp = NULL};
    bool was_run = load_keys(arguments, &keys) && run_stages_with(arguments, &keys, result);

    free_keys(&keys);
    return was_run;
}

static int run_pipeline(struct arguments *arguments)
{
    struct pipeline_result result;
    bool is_live = arguments->pipeline.device.device != NULL;

    if (arguments->store_files == NULL && (arguments->given[OPTION_STORE_FILE_LIMIT] != NULL || arguments->given[OPTION_STORE_TOTAL_LIMIT] != NULL))
        return usage_error("limits of stored files want --store-files DIR");
    arguments->pipeline.database = arguments->output;
    if (arguments->pipeline.filter != NULL && !is_live && !capture_check_filter(arguments->pipeline.filter))
        return STATUS_FAILED;
    log_be_quiet(arguments->is_quiet);
    clock_gettime(CLOCK_MONOTONIC, &started);
    if (!arguments->is_quiet && isatty(STDERR_FILENO) == 1) {
        arguments->pipeline.progress = show_progress;
        log_before_message(clear_progress);
    }
    catch_signals();
    if (!run_stages(arguments, &result))
        return STATUS_FAILED;
    if (!result.has_database)
        return STATUS_FAILED;
    if (result.capture == CAPTURE_STOPPED && !is_live)
        log_warning("interrupted: what was read until then is in %s", arguments->output);
    tell_totals(arguments, &result);
    if (!arguments->is_quiet)
        (void)report_run_summary(arguments->output);
    if (!result.is_stored)
        return STATUS_FAILED;
    return result.capture == CAPTURE_DONE || (is_live && result.capture == CAPTURE_STOPPED) ? STATUS_DONE : STATUS_FAILED;
}

static int command_read(struct arguments *arguments)
{
    if (arguments->rest_count == 0)
        return usage_error("read wants at least one capture file");
    if (arguments->output == NULL)
        arguments->output = DEFAULT_DATABASE;
    arguments->pipeline.paths = arguments->rest;
    arguments->pipeline.path_count = arguments->rest_count;
    return run_pipeline(arguments);
}

static int command_live(struct arguments *arguments)
{
    if (arguments->pipeline.device.device == NULL)
        return usage_error("live wants a device: -i IFACE");
    if (arguments->output == NULL)
        return usage_error("live wants a database: -o DB");
    if (arguments->rest_count > 0)
        return usage_error("live takes no files; `wirescribe read` does");
    return run_pipeline(arguments);
}

/* ---- the other commands ---- */

static int command_sessions(struct arguments *arguments)
{
    if (arguments->rest_count != 1)
        return usage_error("sessions wants one database");
    return report_sessions(arguments->rest[0], arguments->protocol, arguments->limit, arguments->format);
}

static int command_files(struct arguments *arguments)
{
    if (arguments->rest_count != 1)
        return usage_error("files wants one database");
    return report_files(arguments->rest[0], arguments->protocol, arguments->limit, arguments->format);
}

static int command_sql(struct arguments *arguments)
{
    if (arguments->rest_count != 2)
        return usage_error("sql wants a database and one text of SQL");
    return report_sql(arguments->rest[0], arguments->rest[1], arguments->format);
}

static int command_info(struct arguments *arguments)
{
    if (arguments->rest_count != 1)
        return usage_error("info wants one database");
    return report_info(arguments->rest[0], arguments->format);
}

static int command_report(struct arguments *arguments)
{
    if (arguments->rest_count != 1)
        return usage_error("report wants one database");
    return report_summary(arguments->rest[0], arguments->html);
}

/* Writes the packets to a file beside OUT, which gets its name once it is complete. */
static bool extract_to_file(struct evidence *evidence, const char *folder, const char *path, struct extract_result *result)
{
    char *temporary = target_make_temporary(path);
    FILE *out = temporary != NULL ? fopen(temporary, "wbe") : NULL;
    bool is_written = out != NULL && extract_packets(evidence, folder, out, result);

    if (temporary != NULL && out == NULL)
        log_error("'%s' cannot be written: %s", path, strerror(errno));
    if (out != NULL && fclose(out) != 0 && is_written) {
        log_error("'%s' cannot be written: %s", path, strerror(errno));
        is_written = false;
    }
    if (is_written)
        is_written = target_put_in_place(temporary, path);
    else if (temporary != NULL)
        unlink(temporary);
    free(temporary);
    return is_written;
}

static int command_pcap(struct arguments *arguments)
{
    struct evidence evidence;
    struct extract_result result = {.packets = 0};
    bool is_written;

    if (arguments->rest_count == 0)
        return usage_error("pcap wants a database");
    if (arguments->write == NULL)
        return usage_error("pcap wants a file to write: -w OUT");
    arguments->choice.flows = arguments->rest + 1;
    arguments->choice.flow_count = arguments->rest_count - 1;
    if (arguments->choice.flow_count == 0 && arguments->choice.where == NULL)
        return usage_error("pcap wants flows: their numbers, or --where");
    is_written = report_evidence(arguments->rest[0], &arguments->choice, &evidence);
    if (is_written && strcmp(arguments->write, "-") == 0)
        is_written = extract_packets(&evidence, arguments->captures, stdout, &result);
    else if (is_written)
        is_written = extract_to_file(&evidence, arguments->captures, arguments->write, &result);
    if (is_written)
        log_note("%llu packets of %zu flow%s from %zu capture%s -> %s (%s)", (unsigned long long)result.packets, evidence.flows,
                 evidence.flows == 1 ? "" : "s", evidence.count, evidence.count == 1 ? "" : "s", arguments->write, result.is_pcapng ? "pcapng" : "pcap");
    evidence_free(&evidence);
    return is_written ? STATUS_DONE : STATUS_FAILED;
}

static int command_schema(struct arguments *arguments)
{
    size_t count;
    const struct record_table *const *tables = pipeline_tables(&count);

    if (arguments->rest_count != 0)
        return usage_error("schema takes no database");
    if (!store_print_schema(tables, count, arguments->dialect)) {
        log_error("--dialect takes sqlite or clickhouse, not '%s'", arguments->dialect);
        return STATUS_USAGE;
    }
    return STATUS_DONE;
}

struct command {
    const char *name;
    int (*run)(struct arguments *arguments);
    const char *options; /* the long names of those that it takes, with spaces around each */
};

static const struct command commands[] = {
    {"read", command_read, " output append filter count threads memory checksums passwords keystrokes text-limit rdp-key keys rsa-key store-files store-file-limit store-total-limit no-ndpi tcp-policy quiet "},
    {"live", command_live, " output append filter count threads memory checksums passwords keystrokes text-limit rdp-key keys rsa-key store-files store-file-limit store-total-limit no-ndpi tcp-policy quiet interface snaplen no-promiscuous "},
    {"sessions", command_sessions, " format protocol limit "},
    {"files", command_files, " format protocol limit "},
    {"sql", command_sql, " format "},
    {"pcap", command_pcap, " write where with-data captures "},
    {"report", command_report, " html "},
    {"info", command_info, " format "},
    {"schema", command_schema, " dialect "},
};

static bool options_fit(const struct command *command, const struct arguments *arguments)
{
    for (int letter = 0; letter <= OPTION_VERSION; letter++) {
        char spaced[40];

        if (arguments->given[letter] == NULL)
            continue;
        snprintf(spaced, sizeof spaced, " %s ", arguments->given[letter]);
        if (strstr(command->options, spaced) == NULL) {
            log_error("%s takes no --%s; `wirescribe --help` tells the usage", command->name, arguments->given[letter]);
            return false;
        }
    }
    return true;
}

/* Whether what was written to stdout has arrived; a full disk would go unnoticed otherwise. */
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    if (errno == EPIPE)
        return status;
    log_error("standard output: %s", strerror(errno));
    return STATUS_FAILED;
}

static int run_command(const char *name, struct arguments *arguments)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return options_fit(&commands[i], arguments) ? commands[i].run(arguments) : STATUS_USAGE;
    }
    log_error("unknown command '%s'; `wirescribe --help` tells the usage", name);
    return STATUS_USAGE;
}

/* Freed memory is used again within milliseconds here: giving it back to the kernel in between costs more than it saves. */
static void keep_freed_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY_BYTES / 8);
#endif
}

int main(int count, char **words)
{
    struct arguments arguments;

    keep_freed_memory();
    signal(SIGPIPE, SIG_IGN);
    if (!parse(&arguments, count, words))
        return STATUS_USAGE;
    if (arguments.wants_version) {
        printf("wirescribe %s\n", WIRESCRIBE_VERSION);
        return finish_output(STATUS_DONE);
    }
    if (arguments.wants_help || (arguments.rest_count > 0 && strcmp(arguments.rest[0], "help") == 0)) {
        fputs(usage_text, stdout);
        return finish_output(STATUS_DONE);
    }
    if (arguments.rest_count == 0) {
        fputs(usage_text, stderr);
        return STATUS_USAGE;
    }
    arguments.rest++;
    arguments.rest_count--;
    return finish_output(run_command(arguments.rest[-1], &arguments));
}

/*
 * capture.c - reads capture files, one after the other; see capture.h.
 */
#include "capture/capture.h"

#include "base/log.h"
#include "base/text.h"
#include "capture/dispatch.h"
#include "capture/format.h"
#include "capture/reader.h"
#include "capture/secrets.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

RECORD_COLUMNS(capture, CAPTURE);

const struct record_table capture_table = {
    .table = "capture",
    .view = "captures",
    .doc = "one capture file or network device that was read",
    .kind = RECORD_VIEW_PLAIN,
    .replaces = true,
    .columns = capture_columns,
    .column_count = RECORD_COLUMN_COUNT(capture_columns),
};

RECORD_COLUMNS(capture_file, CAPTURE_FILE);

const struct record_table capture_file_table = {
    .table = "capture_file",
    .view = NULL, /* for `wirescribe pcap` */
    .doc = "how a capture file is known again",
    .kind = RECORD_VIEW_PLAIN,
    .replaces = true,
    .columns = capture_file_columns,
    .column_count = RECORD_COLUMN_COUNT(capture_file_columns),
};

/* Files of one directory. */
#define DIRECTORY_LIMIT 1000000

struct input {
    char *path; /* owned */
    bool is_from_directory;
    int64_t first_us; /* of its first packet; of the input before it where that cannot be told */
    size_t place;     /* as it was given */
    bool secrets_are_known; /* all that it holds were handed on before the first packet */
};

struct inputs {
    struct input *list; /* owned */
    size_t count;
    size_t capacity;
};

static bool inputs_add(struct inputs *inputs, const char *path, bool is_from_directory)
{
    if (inputs->count == inputs->capacity) {
        size_t capacity = inputs->capacity == 0 ? 16 : inputs->capacity * 2;
        struct input *grown = realloc(inputs->list, capacity * sizeof *grown);

        if (grown == NULL)
            return false;
        inputs->list = grown;
        inputs->capacity = capacity;
    }
    inputs->list[inputs->count] = (struct input){.path = strdup(path), .is_from_directory = is_from_directory};
    return inputs->list[inputs->count++].path != NULL;
}

static void inputs_free(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        free(inputs->list[i].path);
    free(inputs->list);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct input *)a)->path, ((const struct input *)b)->path);
}

/* Adds the regular files of a directory, in the order of their names. */
static bool inputs_add_directory(struct inputs *inputs, const char *path)
{
    DIR *directory = opendir(path);
    size_t first = inputs->count;
    const struct dirent *entry;

    if (directory == NULL) {
        log_error("%s: the directory cannot be read: %s", path, strerror(errno));
        return false;
    }
    while ((entry = readdir(directory)) != NULL && inputs->count - first < DIRECTORY_LIMIT) {
        struct text full = {.limit = 8192};
        struct stat status;

        if (entry->d_name[0] == '.')
            continue;
        text_append_text(&full, path);
        if (path[strlen(path) - 1] != '/')
            text_append_text(&full, "/");
        text_append_text(&full, entry->d_name);
        if (full.at != NULL && stat(full.at, &status) == 0 && S_ISREG(status.st_mode))
            (void)inputs_add(inputs, full.at, true);
        text_free(&full);
    }
    closedir(directory);
    if (inputs->count > first)
        qsort(inputs->list + first, inputs->count - first, sizeof inputs->list[0], by_path);
    return true;
}

/* When the first packet of a file was captured. False: it has none, or cannot be read; that is told when its turn comes. */
static bool peek_first_time(const char *path, int64_t *time_us)
{
    struct frame_record record;
    struct format format;
    struct stat status;
    struct reader *reader;
    bool is_known;

    /* a pipe can be read only once */
    if (strcmp(path, "-") == 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode) || access(path, R_OK) != 0)
        return false;
    reader = reader_open(path);
    if (reader == NULL)
        return false;
    format_open(&format, reader);
    is_known = (format.kind == FORMAT_PCAP || format.kind == FORMAT_PCAPNG) && format_next(&format, &record) == FORMAT_FRAME;
    if (is_known)
        *time_us = record.time_us;
    format_close(&format);
    reader_close(reader);
    return is_known;
}

static int by_time(const void *a, const void *b)
{
    const struct input *one = a;
    const struct input *other = b;

    if (one->first_us != other->first_us)
        return one->first_us < other->first_us ? -1 : 1;
    return one->place < other->place ? -1 : one->place > other->place;
}

/* Flows go on from one file to the next: they are read in the order of time, however they were named. */
static void sort_by_time(struct inputs *inputs)
{
    int64_t first_us = INT64_MIN;

    if (inputs->count < 2)
        return;
    for (size_t i = 0; i < inputs->count; i++) {
        (void)peek_first_time(inputs->list[i].path, &first_us);
        inputs->list[i].first_us = first_us;
        inputs->list[i].place = i;
    }
    qsort(inputs->list, inputs->count, sizeof inputs->list[0], by_time);
}

/* False: at least one could not be listed. */
static bool list_inputs(struct inputs *inputs, char *const *paths, size_t count, struct capture_totals *totals)
{
    bool is_complete = true;

    for (size_t i = 0; i < count; i++) {
        struct stat status;
        bool is_there = strcmp(paths[i], "-") != 0 && stat(paths[i], &status) == 0;

        if (is_there && S_ISDIR(status.st_mode)) {
            if (!inputs_add_directory(inputs, paths[i])) {
                totals->files_failed++;
                is_complete = false;
            }
        } else {
            (void)inputs_add(inputs, paths[i], false);
        }
    }
    for (size_t i = 0; i < inputs->count; i++) {
        struct stat status;

        if (strcmp(inputs->list[i].path, "-") != 0 && stat(inputs->list[i].path, &status) == 0)
            totals->file_bytes_total += (uint64_t)status.st_size;
    }
    sort_by_time(inputs);
    return is_complete;
}

/* ---- one file ---- */

enum file_result {
    FILE_DONE,
    FILE_SKIPPED,    /* no capture, in a directory */
    FILE_NOT_OPENED, /* an error was logged */
    FILE_INCOMPLETE, /* the same, after some of it was read */
    FILE_STOPPED,    /* by the user, by most_packets, or abandoned */
};

static void append_link_types(const struct format *format, struct text *names)
{
    for (unsigned i = 0; i < format->interface_count; i++) {
        int link_type = format->interfaces[i].link_type;
        const char *name = pcap_datalink_val_to_name(link_type == 101 ? DLT_RAW : link_type);
        bool is_named = false;

        for (unsigned before = 0; before < i; before++)
            is_named = is_named || format->interfaces[before].link_type == link_type;
        if (is_named)
            continue;
        if (name != NULL) {
            text_append_item(names, ",", bytes_of_text(name));
        } else {
            if (names->length > 0)
                text_append_text(names, ",");
            text_append_format(names, "%d", link_type);
        }
    }
}

static void write_row(const struct dispatch *dispatch, const char *path, const struct format *format, bool is_truncated, bool is_finished)
{
    struct text link_types = {.limit = 1024};
    struct capture row = {
        .source = record_text_of(path),
        .kind = record_text_of("file"),
        .truncated = record_boolean(is_truncated),
        .finished = record_boolean(is_finished),
    };
    uint32_t snaplen = 0;
    uint64_t dropped = 0;

    append_link_types(format, &link_types);
    row.link_type = record_text_unless_empty(text_bytes(&link_types));
    for (unsigned i = 0; i < format->interface_count; i++) {
        if (format->interfaces[i].snaplen > snaplen)
            snaplen = format->interfaces[i].snaplen;
        dropped += format->interfaces[i].dropped;
    }
    if (snaplen > 0)
        row.snaplen = record_integer(snaplen);
    if (dropped > 0)
        row.dropped_kernel = record_integer((int64_t)dropped);
    dispatch_write_row(dispatch, &row);
    text_free(&link_types);
}

/* How the file can be known again. What comes through a pipe or by standard input cannot. */
static void write_identity(const struct dispatch *dispatch, const char *path, const struct reader *reader)
{
    struct reader_identity identity;
    char *absolute;
    struct capture_file row;

    if (strcmp(path, "-") == 0 || !reader_identify(reader, EVIDENCE_HEAD_BYTES, &identity))
        return;
    absolute = realpath(path, NULL);
    row = (struct capture_file){
        .capture_id = record_integer(dispatch->capture_id),
        .path = record_text_of(absolute != NULL ? absolute : path),
        .size = record_integer((int64_t)identity.size),
        .head_bytes = record_integer((int64_t)identity.head_bytes),
        .head_sha256 = record_text_of(identity.head_sha256),
    };
    dispatch->options->write(dispatch->options->context, &capture_file_table, &row);
    free(absolute);
}

static enum file_result refuse(const char *path, const struct format *format, struct reader *reader, bool is_from_directory)
{
    struct bytes first = reader_peek(reader, 4);
    const uint8_t *at = first.at;

    if (reader_error(reader) != NULL && format->kind != FORMAT_PCAP) {
        log_error("%s: %s", path, reader_error(reader));
        return FILE_NOT_OPENED;
    }
    if (is_from_directory) {
        log_warning("%s: passed over, for it is no capture file", path);
        return FILE_SKIPPED;
    }
    if (format->kind == FORMAT_EMPTY)
        log_error("%s: the file is empty; a capture file has at least a header", path);
    else if (format->error[0] != '\0')
        log_error("%s: %s", path, format->error);
    else if (first.length < 4)
        log_error("%s: is too short for a capture file (%zu bytes)", path, first.length);
    else
        log_error("%s: is not a capture file: it begins with %02x %02x %02x %02x; expected pcap or pcapng, plain or compressed by gzip or zstd", path, at[0],
                  at[1], at[2], at[3]);
    return FILE_NOT_OPENED;
}

static void tell_incomplete(const char *path, enum format_result result, const struct format *format, const struct reader *reader,
                            const struct frame_record *record, uint64_t packets)
{
    unsigned long long position = record->position;
    unsigned long long kept = packets;

    if (reader_error(reader) != NULL)
        log_error("%s: %s, after byte %llu of its packets; the %llu packets before were kept", path, reader_error(reader), position, kept);
    else if (result == FORMAT_TRUNCATED)
        log_error("%s: the file ends inside the record at byte %llu; the %llu packets before were kept", path, position, kept);
    else
        log_error("%s: corrupt at byte %llu: %s; the %llu packets before were kept", path, position, format->error, kept);
}

/* The filter of the interface's link type, looked up once per change. */
struct filter_cache {
    bool is_set;
    int link_type;
    const struct bpf_program *filter;
};

static bool find_filter(struct dispatch *dispatch, struct filter_cache *cache, int link_type)
{
    if (cache->is_set && cache->link_type == link_type)
        return true;
    cache->is_set = dispatch_filter(dispatch, link_type, &cache->filter);
    cache->link_type = link_type;
    return cache->is_set;
}

static enum file_result read_packets(struct dispatch *dispatch, const char *path, struct format *format, struct reader *reader)
{
    struct frame_record record = {.position = 0};
    struct filter_cache cache = {.is_set = false};
    uint64_t disk_before = dispatch->totals->file_bytes_read;
    enum format_result result;
    bool goes_on = !dispatch_has_enough(dispatch);

    while (goes_on && *dispatch->options->stop == 0) {
        result = format_next(format, &record);
        dispatch->totals->file_bytes_read = disk_before + reader_disk_position(reader);
        if (result == FORMAT_END && reader_error(reader) == NULL)
            return FILE_DONE;
        if (result != FORMAT_FRAME) {
            tell_incomplete(path, result, format, reader, &record, dispatch->packets);
            return FILE_INCOMPLETE;
        }
        if (!find_filter(dispatch, &cache, format->interfaces[record.interface].link_type))
            return FILE_INCOMPLETE;
        goes_on = dispatch_frame(dispatch, cache.filter, format->interfaces[record.interface].link_type, record.time_us, record.position, record.frame,
                                 record.wire_length);
    }
    return FILE_STOPPED;
}

static void on_secrets(void *context, uint32_t kind, struct bytes secrets)
{
    struct dispatch *dispatch = context;

    secrets_take(dispatch->options, dispatch->totals, kind, secrets);
}

/* Secrets go before the packets that they open: first of all files. */
static void look_ahead(const struct dispatch *dispatch, struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count && *dispatch->options->stop == 0; i++)
        inputs->list[i].secrets_are_known = secrets_look_ahead(dispatch->options, inputs->list[i].path);
}

static enum file_result read_file(struct dispatch *dispatch, const struct input *input, int64_t capture_id)
{
    struct reader *reader = reader_open(input->path);
    struct format format;
    enum file_result result;

    if (reader == NULL)
        return FILE_NOT_OPENED;
    format_open(&format, reader);
    if (format.kind != FORMAT_PCAP && format.kind != FORMAT_PCAPNG) {
        result = refuse(input->path, &format, reader, input->is_from_directory);
    } else {
        format.on_secrets = on_secrets;
        format.context = dispatch;
        if (format.kind == FORMAT_PCAPNG && !input->secrets_are_known && dispatch->options->secrets_may_follow != NULL)
            dispatch->options->secrets_may_follow(dispatch->options->context, true);
        dispatch_begin_capture(dispatch, capture_id);
        write_row(dispatch, input->path, &format, false, false);
        write_identity(dispatch, input->path, reader);
        result = read_packets(dispatch, input->path, &format, reader);
        /* stopped because all wanted packets were read is not interrupted */
        write_row(dispatch, input->path, &format, result == FILE_INCOMPLETE,
                  result == FILE_DONE || result == FILE_INCOMPLETE || dispatch_has_enough(dispatch));
    }
    format_close(&format);
    reader_close(reader);
    return result;
}

static enum capture_result read_inputs(struct dispatch *dispatch, const struct inputs *inputs, struct capture_totals *totals)
{
    int64_t capture_id = dispatch->options->first_capture_id;
    bool is_complete = true;

    for (size_t i = 0; i < inputs->count; i++) {
        enum file_result result = read_file(dispatch, &inputs->list[i], capture_id);

        if (result != FILE_NOT_OPENED && result != FILE_SKIPPED)
            capture_id++;
        if (result == FILE_NOT_OPENED || result == FILE_INCOMPLETE) {
            totals->files_failed++;
            is_complete = false;
        }
        if (result == FILE_DONE || result == FILE_STOPPED)
            totals->files_done++;
        if (dispatch->is_abandoned)
            return CAPTURE_ABANDONED;
        if (*dispatch->options->stop != 0)
            return CAPTURE_STOPPED;
        if (dispatch_has_enough(dispatch))
            break;
    }
    if (capture_id == dispatch->options->first_capture_id) {
        return CAPTURE_NOTHING;
    }
    return is_complete ? CAPTURE_DONE : CAPTURE_INCOMPLETE;
}

enum capture_result capture_read_files(const struct capture_options *options, char *const *paths, size_t count, struct capture_totals *totals)
{
    struct inputs inputs = {.list = NULL};
    struct dispatch dispatch;
    enum capture_result result;
    bool is_listed = list_inputs(&inputs, paths, count, totals);
    uint64_t failed_before = totals->files_failed;

    if (!dispatch_init(&dispatch, options, totals, true)) {
        log_error("out of memory");
        inputs_free(&inputs);
        return CAPTURE_NOTHING;
    }
    look_ahead(&dispatch, &inputs);
    result = read_inputs(&dispatch, &inputs, totals);
    if (result == CAPTURE_NOTHING && is_listed && totals->files_failed == failed_before)
        log_error("%s%s: there is no capture file", paths[0], count > 1 ? " and the others" : "");
    dispatch_end(&dispatch);
    dispatch_flush(&dispatch, false);
    dispatch_progress(&dispatch, true);
    if (result == CAPTURE_DONE && !is_listed)
        result = CAPTURE_INCOMPLETE;
    if (dispatch.is_abandoned)
        result = CAPTURE_ABANDONED;
    dispatch_free(&dispatch);
    inputs_free(&inputs);
    return result;
}

/*
 * rdp_devices.c - redirected drives, printers, ports and smart cards ([MS-RDPEFS]; [MS-RDPEPC], [MS-RDPESP], [MS-RDPESC] for the rest):
 * which there are, and which files the desktop opens, reads and writes on them.
 *
 * The server asks, the client answers: what is read comes from the client, what is written goes to it.
 * Leaves out: what smart cards and ports are told, directories' contents, attributes and locks.
 */
#include "dissectors/rdp_share.h"

#include "base/memory.h"

#include <stdio.h>

#define COMPONENT_CORE 0x4472

enum packet_id {
    DEVICE_LIST_ANNOUNCE = 0x4441,
    DEVICE_LIST_REMOVE = 0x444d,
    DEVICE_IO_REQUEST = 0x4952,
    DEVICE_IO_COMPLETION = 0x4943,
    CLIENT_NAME = 0x434e,
};

enum device_type {
    DEVICE_SERIAL = 1,
    DEVICE_PARALLEL = 2,
    DEVICE_PRINTER = 4,
    DEVICE_DRIVE = 8,
    DEVICE_SMARTCARD = 0x20,
};

enum major_function { /* MajorFunction */
    IO_CREATE = 0,
    IO_CLOSE = 2,
    IO_READ = 3,
    IO_WRITE = 4,
    IO_QUERY_INFORMATION = 5,
    IO_SET_INFORMATION = 6,
    IO_DIRECTORY = 12,
};

enum information_class {
    FILE_STANDARD_INFORMATION = 5,
    FILE_RENAME_INFORMATION = 10,
    FILE_DISPOSITION_INFORMATION = 13,
};

#define MINOR_QUERY_DIRECTORY 1
#define OPTION_DIRECTORY 1
#define STATUS_END_OF_FILE 0xc0000011

static const char *type_name(uint32_t type)
{
    switch (type) {
    case DEVICE_SERIAL:
        return "serial port";
    case DEVICE_PARALLEL:
        return "parallel port";
    case DEVICE_PRINTER:
        return "printer";
    case DEVICE_DRIVE:
        return "drive";
    case DEVICE_SMARTCARD:
        return "smart card";
    default:
        return "device";
    }
}

static struct rdp_device *find_device(struct rdp_devices *devices, uint32_t id)
{
    for (unsigned i = 0; i < devices->device_count; i++) {
        if (devices->devices[i].id == id)
            return &devices->devices[i];
    }
    return NULL;
}

static const char *device_name(struct rdp_devices *devices, uint32_t id)
{
    const struct rdp_device *device = find_device(devices, id);

    return device != NULL ? device->name : "unknown device";
}

static bool is_drive(struct rdp_devices *devices, uint32_t id)
{
    const struct rdp_device *device = find_device(devices, id);

    return device == NULL || device->type == DEVICE_DRIVE;
}

/* ---- which devices there are ---- */

/* A printer's own name: behind flags, code page, lengths of PnP name, driver name and printer name. */
static void append_printer_name(struct cursor data, struct text *list)
{
    uint32_t pnp;
    uint32_t driver;
    uint32_t length;

    skip_bytes(&data, 4 + 4);
    pnp = take_u32_le(&data);
    driver = take_u32_le(&data);
    length = take_u32_le(&data);
    skip_bytes(&data, 4); /* cached fields' length */
    skip_bytes(&data, pnp);
    skip_bytes(&data, driver);
    if (!cursor_is_good(&data) || length == 0)
        return;
    text_append_text(list, " ");
    rdp_append_utf16(list, take_child(&data, length));
}

static void keep_device(struct rdp_share *share, uint32_t id, uint32_t type, struct bytes name)
{
    struct rdp_devices *devices = share->channels.devices;
    struct rdp_device *device = find_device(devices, id);

    if (device == NULL) {
        if (devices->device_count >= RDP_DEVICES_LIMIT) {
            rdp_tell_limit(share, RDP_LIMIT_DEVICES);
            return;
        }
        device = &devices->devices[devices->device_count++];
    }
    *device = (struct rdp_device){.id = id, .type = type};
    memcpy(device->name, name.at, name.length < sizeof device->name ? name.length : sizeof device->name - 1);
}

static void on_announce(struct rdp_share *share, struct cursor *body)
{
    uint32_t count = take_u32_le(body);
    struct text list = {.limit = RDP_TEXT_LIMIT};

    for (uint32_t i = 0; i < count && cursor_left(body) > 0; i++) {
        uint32_t type = take_u32_le(body);
        uint32_t id = take_u32_le(body);
        struct bytes rest;
        struct bytes name = bytes_split(take_bytes(body, 8), 0, &rest);
        uint32_t length = take_u32_le(body);
        struct cursor data = take_child(body, length);

        if (!cursor_is_good(body)) {
            rdp_tell_contradiction(share, FROM_CLIENT, "a list of devices");
            break;
        }
        if (name.length > 0)
            keep_device(share, id, type, name);
        text_append_format(&list, "%s%s ", list.length > 0 ? ", " : "", type_name(type));
        text_append(&list, name);
        if (type == DEVICE_PRINTER)
            append_printer_name(data, &list);
    }
    if (list.length > 0)
        rdp_tell_text(share, FROM_CLIENT, "devices", text_bytes(&list));
    text_free(&list);
}

static void on_remove(struct rdp_share *share, struct cursor *body)
{
    uint32_t count = take_u32_le(body);

    for (uint32_t i = 0; i < count && cursor_left(body) > 0; i++)
        rdp_tell(share, FROM_CLIENT, "device_removed", "%s", device_name(share->channels.devices, take_u32_le(body)));
}

static void on_client_name(struct rdp_share *share, struct cursor *body)
{
    uint32_t is_unicode = take_u32_le(body);
    struct text name = {.limit = RDP_PATH_LIMIT};
    uint32_t length;
    struct cursor wire;
    struct bytes rest;

    skip_bytes(body, 4); /* code page */
    length = take_u32_le(body);
    wire = cursor_within(take_up_to(body, length));
    if ((is_unicode & 1) != 0)
        rdp_append_utf16(&name, wire);
    else
        text_append(&name, bytes_split(peek_bytes(&wire), 0, &rest));
    if (name.length > 0)
        rdp_tell_text(share, FROM_CLIENT, "client_name", text_bytes(&name));
    text_free(&name);
}

/* ---- handles ---- */

static struct rdp_handle *find_handle(struct rdp_devices *devices, uint32_t device, uint32_t id)
{
    for (unsigned i = 0; i < RDP_FILES_LIMIT; i++) {
        struct rdp_handle *handle = &devices->handles[i];

        if (handle->is_open && handle->device == device && handle->id == id)
            return handle;
    }
    return NULL;
}

/* `"DRIVE PATH"`, and in a text's remaining room what `more` says. */
static void tell_path(struct rdp_share *share, enum side from, const char *kind, uint32_t device, const struct text *path, const char *more)
{
    struct text detail = {.limit = RDP_TEXT_LIMIT};

    text_append_text(&detail, device_name(share->channels.devices, device));
    text_append_text(&detail, " ");
    text_append(&detail, text_bytes(path));
    text_append_text(&detail, more);
    rdp_tell_text(share, from, kind, text_bytes(&detail));
    text_free(&detail);
}

/* A read is whole when it reached the end: the size that was asked for, or a read that came back short. */
static void end_reading(struct rdp_share *share, struct rdp_handle *handle)
{
    char more[64];
    uint64_t count;
    bool is_in_order;

    if (handle->reading == 0)
        return;
    is_in_order = rdp_file_reached(share, handle->reading, &count);
    (void)snprintf(more, sizeof more, ", %llu bytes%s", (unsigned long long)count, is_in_order ? "" : " in order, then others");
    tell_path(share, FROM_CLIENT, "file_read", handle->device, &handle->path, more);
    rdp_file_end(share, handle->reading, handle->has_size ? count >= handle->size : handle->saw_end);
    handle->reading = 0;
}

static void end_writing(struct rdp_share *share, struct rdp_handle *handle, bool was_closed)
{
    char more[64];
    uint64_t count;
    bool is_in_order;
    bool is_file = is_drive(share->channels.devices, handle->device);

    if (handle->writing == 0)
        return;
    is_in_order = rdp_file_reached(share, handle->writing, &count);
    (void)snprintf(more, sizeof more, ", %llu bytes%s", (unsigned long long)count, is_in_order ? "" : " in order, then others");
    tell_path(share, FROM_SERVER, is_file ? "file_written" : "printed", handle->device, &handle->path, more);
    rdp_file_end(share, handle->writing, was_closed);
    handle->writing = 0;
}

static void end_handle(struct rdp_share *share, struct rdp_handle *handle, bool was_closed)
{
    end_reading(share, handle);
    end_writing(share, handle, was_closed);
    text_free(&handle->path);
    *handle = (struct rdp_handle){.is_open = false};
}

/* A file or directory is open now. */
static void open_handle(struct rdp_share *share, const struct rdp_request *request, uint32_t id)
{
    struct rdp_devices *devices = share->channels.devices;
    struct rdp_handle *handle = find_handle(devices, request->device, id);

    if (handle != NULL)
        end_handle(share, handle, false); /* the id is used anew */
    for (unsigned i = 0; handle == NULL && i < RDP_FILES_LIMIT; i++) {
        if (!devices->handles[i].is_open)
            handle = &devices->handles[i];
    }
    if (handle == NULL) {
        rdp_tell_limit(share, RDP_LIMIT_FILES);
        return;
    }
    *handle = (struct rdp_handle){.is_open = true, .is_directory = request->is_directory, .device = request->device, .id = id, .path = {.limit = RDP_PATH_LIMIT}};
    text_append(&handle->path, text_bytes(&request->path));
}

/* ---- requests ---- */

static struct rdp_request *find_request(struct rdp_devices *devices, uint32_t device, uint32_t completion)
{
    for (unsigned i = 0; i < RDP_REQUESTS_LIMIT; i++) {
        struct rdp_request *request = &devices->requests[i];

        if (request->is_open && request->device == device && request->completion == completion)
            return request;
    }
    return NULL;
}

static void end_request(struct rdp_request *request)
{
    text_free(&request->path);
    request->is_open = false;
}

/* A place for a request; the oldest ones do not go before they are answered. */
static struct rdp_request *new_request(struct rdp_share *share, uint32_t device, uint32_t completion)
{
    struct rdp_devices *devices = share->channels.devices;
    struct rdp_request *request = find_request(devices, device, completion);

    if (request != NULL)
        end_request(request);
    for (unsigned i = 0; request == NULL && i < RDP_REQUESTS_LIMIT; i++) {
        if (!devices->requests[i].is_open)
            request = &devices->requests[i];
    }
    if (request == NULL) {
        rdp_tell_limit(share, RDP_LIMIT_REQUESTS);
        return NULL;
    }
    *request = (struct rdp_request){.is_open = true, .device = device, .completion = completion, .path = {.limit = RDP_PATH_LIMIT}};
    return request;
}

static void read_create(struct rdp_request *request, struct cursor *body)
{
    uint32_t options;
    uint32_t length;

    skip_bytes(body, 4 + 8 + 4 + 4 + 4); /* access, allocation, attributes, sharing, disposition */
    options = take_u32_le(body);
    length = take_u32_le(body);
    request->is_directory = (options & OPTION_DIRECTORY) != 0;
    rdp_append_utf16(&request->path, take_child(body, length));
}

static void on_write(struct rdp_share *share, struct rdp_channel_message *message, uint32_t device, uint32_t id, struct cursor *body)
{
    struct rdp_handle *handle = find_handle(share->channels.devices, device, id);
    uint32_t length = take_u32_le(body);
    uint64_t offset = take_u64_le(body);
    struct bytes data;

    skip_bytes(body, 20);
    if (!cursor_is_good(body) || handle == NULL)
        return;
    data = take_up_to(body, length);
    if (handle->writing == 0)
        handle->writing = rdp_file_begin(share, FROM_SERVER, text_bytes(&handle->path));
    rdp_file_add(share, handle->writing, offset, data);
    if (data.length < length)
        rdp_file_follow(message, handle->writing, offset + data.length);
}

static void on_set_information(struct rdp_share *share, uint32_t device, uint32_t id, struct cursor *body)
{
    struct rdp_handle *handle = find_handle(share->channels.devices, device, id);
    uint32_t class = take_u32_le(body);
    uint32_t length = take_u32_le(body);
    struct text more = {.limit = RDP_TEXT_LIMIT};

    skip_bytes(body, 24);
    if (!cursor_is_good(body) || handle == NULL)
        return;
    if (class == FILE_DISPOSITION_INFORMATION && (length == 0 || take_u8(body) != 0)) {
        tell_path(share, FROM_SERVER, "file_deleted", device, &handle->path, "");
    } else if (class == FILE_RENAME_INFORMATION) {
        skip_bytes(body, 1 + 1);
        length = take_u32_le(body);
        text_append_text(&more, " to ");
        rdp_append_utf16(&more, take_child(body, length));
        if (cursor_is_good(body))
            tell_path(share, FROM_SERVER, "file_renamed", device, &handle->path, more.at != NULL ? more.at : "");
    }
    text_free(&more);
}

static void on_directory(struct rdp_share *share, uint32_t device, uint32_t minor, struct cursor *body)
{
    struct text pattern = {.limit = RDP_PATH_LIMIT};
    uint8_t is_first;
    uint32_t length;

    skip_bytes(body, 4);
    is_first = take_u8(body);
    length = take_u32_le(body);
    skip_bytes(body, 23);
    if (!cursor_is_good(body) || minor != MINOR_QUERY_DIRECTORY || is_first == 0)
        return;
    rdp_append_utf16(&pattern, cursor_within(take_up_to(body, length)));
    tell_path(share, FROM_SERVER, "directory_listed", device, &pattern, "");
    text_free(&pattern);
}

static void on_request(struct rdp_share *share, struct rdp_channel_message *message, struct cursor *body)
{
    uint32_t device = take_u32_le(body);
    uint32_t file = take_u32_le(body);
    uint32_t completion = take_u32_le(body);
    uint32_t major = take_u32_le(body);
    uint32_t minor = take_u32_le(body);
    struct rdp_request *request;

    if (!cursor_is_good(body)) {
        rdp_tell_contradiction(share, FROM_SERVER, "a device's request");
        return;
    }
    if (major == IO_WRITE)
        on_write(share, message, device, file, body);
    else if (major == IO_SET_INFORMATION)
        on_set_information(share, device, file, body);
    else if (major == IO_DIRECTORY)
        on_directory(share, device, minor, body);
    if (major != IO_CREATE && major != IO_READ && major != IO_CLOSE && major != IO_QUERY_INFORMATION)
        return;
    request = new_request(share, device, completion);
    if (request == NULL)
        return;
    request->major = major;
    request->file = file;
    if (major == IO_CREATE) {
        read_create(request, body);
    } else if (major == IO_READ) {
        request->length = take_u32_le(body);
        request->offset = take_u64_le(body);
    } else if (major == IO_QUERY_INFORMATION) {
        request->class = take_u32_le(body);
    }
}

/* ---- answers ---- */

static void on_created(struct rdp_share *share, const struct rdp_request *request, struct cursor *body)
{
    uint32_t id = take_u32_le(body);

    if (!cursor_is_good(body))
        return;
    open_handle(share, request, id);
    if (!request->is_directory && request->path.length > 1)
        tell_path(share, FROM_SERVER, is_drive(share->channels.devices, request->device) ? "file_opened" : "print_job", request->device, &request->path, "");
}

static void on_read(struct rdp_share *share, struct rdp_channel_message *message, const struct rdp_request *request, struct cursor *body)
{
    struct rdp_handle *handle = find_handle(share->channels.devices, request->device, request->file);
    uint32_t length = take_u32_le(body);
    struct bytes data;

    if (!cursor_is_good(body) || handle == NULL)
        return;
    data = take_up_to(body, length);
    if (handle->reading == 0)
        handle->reading = rdp_file_begin(share, FROM_CLIENT, text_bytes(&handle->path));
    rdp_file_add(share, handle->reading, request->offset, data);
    if (data.length < length)
        rdp_file_follow(message, handle->reading, request->offset + data.length);
    if (length < request->length)
        handle->saw_end = true;
}

static void on_information(struct rdp_share *share, const struct rdp_request *request, struct cursor *body)
{
    struct rdp_handle *handle = find_handle(share->channels.devices, request->device, request->file);
    uint64_t size;
    uint8_t is_directory;

    skip_bytes(body, 4 + 8); /* length, allocation */
    size = take_u64_le(body);
    skip_bytes(body, 4 + 1); /* links, deletion pending */
    is_directory = take_u8(body);
    if (!cursor_is_good(body) || handle == NULL)
        return;
    handle->is_directory = is_directory != 0;
    handle->size = size;
    handle->has_size = !handle->is_directory;
}

static void on_completion(struct rdp_share *share, struct rdp_channel_message *message, struct cursor *body)
{
    struct rdp_devices *devices = share->channels.devices;
    uint32_t device = take_u32_le(body);
    uint32_t completion = take_u32_le(body);
    uint32_t status = take_u32_le(body);
    struct rdp_request *request = cursor_is_good(body) ? find_request(devices, device, completion) : NULL;
    struct rdp_handle *handle;

    if (request == NULL)
        return;
    handle = find_handle(devices, device, request->file);
    if (request->major == IO_CLOSE && handle != NULL)
        end_handle(share, handle, true);
    else if (request->major == IO_CREATE && status == 0)
        on_created(share, request, body);
    else if (request->major == IO_READ && status == 0)
        on_read(share, message, request, body);
    else if (request->major == IO_READ && status == STATUS_END_OF_FILE && handle != NULL)
        handle->saw_end = true;
    else if (request->major == IO_QUERY_INFORMATION && status == 0 && request->class == FILE_STANDARD_INFORMATION)
        on_information(share, request, body);
    end_request(request);
}

void rdp_devices_read(struct rdp_share *share, enum side from, struct rdp_channel_message *message, struct cursor *head)
{
    uint16_t component = take_u16_le(head);
    uint16_t packet = take_u16_le(head);

    if (!cursor_is_good(head) || component != COMPONENT_CORE)
        return;
    if (share->channels.devices == NULL)
        share->channels.devices = memory_new_zeroed(1, sizeof *share->channels.devices);
    if (share->channels.devices == NULL)
        return;
    if (packet == DEVICE_LIST_ANNOUNCE && from == FROM_CLIENT)
        on_announce(share, head);
    else if (packet == DEVICE_LIST_REMOVE && from == FROM_CLIENT)
        on_remove(share, head);
    else if (packet == CLIENT_NAME && from == FROM_CLIENT)
        on_client_name(share, head);
    else if (packet == DEVICE_IO_REQUEST && from == FROM_SERVER)
        on_request(share, message, head);
    else if (packet == DEVICE_IO_COMPLETION && from == FROM_CLIENT)
        on_completion(share, message, head);
}

void rdp_devices_end(struct rdp_share *share)
{
    struct rdp_devices *devices = share->channels.devices;

    for (unsigned i = 0; devices != NULL && i < RDP_FILES_LIMIT; i++) {
        if (devices->handles[i].is_open)
            end_handle(share, &devices->handles[i], false);
    }
}

void rdp_devices_free(struct rdp_share *share)
{
    struct rdp_devices *devices = share->channels.devices;

    for (unsigned i = 0; devices != NULL && i < RDP_FILES_LIMIT; i++)
        text_free(&devices->handles[i].path);
    for (unsigned i = 0; devices != NULL && i < RDP_REQUESTS_LIMIT; i++)
        text_free(&devices->requests[i].path);
    memory_free(devices);
    share->channels.devices = NULL;
}

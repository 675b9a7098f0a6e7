/*
 * rdp_info.c - what a client says of itself ([MS-RDPBCGR] 2.2.1.11.1.1), and what the server says of the login (2.2.10.1).
 */
#include "dissectors/login_failures.h"
#include "dissectors/rdp_share.h"

enum client_info_flag {
    INFO_UNICODE = 0x10,
    INFO_REMOTE_PROGRAMS = 0x8000,
};

enum save_session_type { /* infoType */
    SAVE_LOGON = 0,
    SAVE_LOGON_LONG = 1,
    SAVE_PLAIN_NOTIFY = 2,
    SAVE_LOGON_EXTENDED = 3,
};

#define EXTENDED_AUTO_RECONNECT 1
#define EXTENDED_LOGON_ERRORS 2
#define TIME_ZONE_LENGTH 172

/* A text of one kind or the other, up to its NUL. */
static void append(struct text *text, struct cursor bytes, bool is_unicode)
{
    struct bytes rest;

    text->limit = RDP_INFO_LIMIT;
    text_clear(text);
    if (is_unicode)
        rdp_append_utf16(text, bytes);
    else
        text_append(text, bytes_split(peek_bytes(&bytes), 0, &rest));
}

/* The standard name alone: rules of daylight saving follow from it. */
static void read_time_zone(struct rdp_client_info *info, struct cursor *zone)
{
    uint32_t bias = take_u32_le(zone); /* minutes that are to be added to local time; two's complement */
    struct cursor name = take_child(zone, 64);
    int32_t minutes = (int32_t)bias;

    if (!cursor_is_good(zone) || minutes < -24 * 60 || minutes > 24 * 60)
        return;
    append(&info->time_zone, name, true);
    text_append_format(&info->time_zone, "%sUTC%c%02d:%02d", info->time_zone.length > 0 ? ", " : "", minutes > 0 ? '-' : '+',
                       (minutes < 0 ? -minutes : minutes) / 60, (minutes < 0 ? -minutes : minutes) % 60);
}

/* RDP 5.0 and later. Each field may be the last. */
static void read_extra_info(struct rdp_client_info *info, struct cursor *data)
{
    uint16_t length;
    uint32_t flags;
    struct cursor zone;

    if (cursor_left(data) < 4)
        return;
    skip_bytes(data, 2); /* address family */
    length = take_u16_le(data);
    append(&info->address, take_child(data, length), true);
    length = take_u16_le(data);
    append(&info->directory, take_child(data, length), true);
    if (cursor_left(data) < TIME_ZONE_LENGTH)
        return;
    zone = take_child(data, TIME_ZONE_LENGTH);
    read_time_zone(info, &zone);
    if (cursor_left(data) < 4 + 4)
        return;
    skip_bytes(data, 4); /* session id */
    flags = take_u32_le(data);
    info->performance_flags = (struct rdp_number){.value = flags, .is_known = true};
}

/* `"NAME value"`, where there is one. */
static void list(struct text *detail, const char *name, const struct text *value)
{
    if (value->length == 0)
        return;
    text_append_format(detail, "%s%s ", detail->length > 0 ? ", " : "", name);
    text_append(detail, text_bytes(value));
}

static void tell_client_info(struct rdp_share *share, uint32_t flags)
{
    const struct rdp_client_info *info = &share->info;
    struct text detail = {.limit = RDP_TEXT_LIMIT};

    list(&detail, "domain", &info->domain);
    list(&detail, "user", &info->user);
    list(&detail, "program", &info->program);
    list(&detail, "working directory", &info->working_directory);
    list(&detail, "address", &info->address);
    list(&detail, "directory", &info->directory);
    if ((flags & INFO_REMOTE_PROGRAMS) != 0)
        text_append_item(&detail, ", ", bytes_of_text("remote programs"));
    rdp_tell_text(share, FROM_CLIENT, "client_info", text_bytes(&detail));
    text_free(&detail);
}

void rdp_read_client_info(struct rdp_share *share, struct cursor *data)
{
    struct rdp_client_info *info = &share->info;
    struct text *const texts[] = {&info->domain, &info->user, &info->password, &info->program, &info->working_directory};
    size_t lengths[5];
    uint32_t flags;
    bool is_unicode;

    skip_bytes(data, 4); /* code page */
    flags = take_u32_le(data);
    is_unicode = (flags & INFO_UNICODE) != 0;
    for (int i = 0; i < 5; i++)
        lengths[i] = take_u16_le(data);
    if (!cursor_is_good(data) || info->is_known)
        return;
    info->is_known = true;
    for (int i = 0; i < 5; i++) {
        struct cursor part = take_child(data, lengths[i]);

        skip_bytes(data, is_unicode ? 2 : 1); /* its end, which the length leaves out */
        if (texts[i] != &info->password || conversation_recording(share->conversation)->passwords)
            append(texts[i], part, is_unicode);
    }
    if (cursor_is_good(data))
        read_extra_info(info, data);
    if (!cursor_is_good(data))
        rdp_tell_contradiction(share, FROM_CLIENT, "client info");
    tell_client_info(share, flags);
}

/* ---- the login, as the server tells it ---- */

static void tell_logon(struct rdp_share *share)
{
    struct text detail = {.limit = RDP_TEXT_LIMIT};

    list(&detail, "domain", &share->logon_domain);
    list(&detail, "user", &share->logon_user);
    if (share->session_id.is_known)
        text_append_format(&detail, "%ssession %u", detail.length > 0 ? ", " : "", (unsigned)share->session_id.value);
    rdp_tell_text(share, FROM_SERVER, "logon", text_bytes(&detail));
    text_free(&detail);
    if (share->auth_result == NULL || strcmp(share->auth_result, "success") != 0)
        login_failures_accepted(share->conversation, "rdp", text_bytes(&share->logon_user));
    share->auth_result = "success";
}

static void on_logon(struct rdp_share *share, struct cursor *data)
{
    uint32_t length = take_u32_le(data);
    struct cursor domain = take_child(data, 52);
    struct cursor user;
    uint32_t id;

    (void)length; /* the fields are of fixed length, and end at a NUL */
    skip_bytes(data, 4);
    user = take_child(data, 512);
    id = take_u32_le(data);
    if (!cursor_is_good(data)) {
        rdp_tell_contradiction(share, FROM_SERVER, "the notice of a logon");
        return;
    }
    append(&share->logon_domain, domain, true);
    append(&share->logon_user, user, true);
    share->session_id = (struct rdp_number){.value = id, .is_known = true};
    tell_logon(share);
}

static void on_logon_long(struct rdp_share *share, struct cursor *data)
{
    uint32_t id;
    uint32_t domain_length;
    uint32_t user_length;
    struct cursor domain;
    struct cursor user;

    skip_bytes(data, 2 + 4); /* version, size */
    id = take_u32_le(data);
    domain_length = take_u32_le(data);
    user_length = take_u32_le(data);
    skip_bytes(data, 558);
    domain = take_child(data, domain_length);
    user = take_child(data, user_length);
    if (!cursor_is_good(data)) {
        rdp_tell_contradiction(share, FROM_SERVER, "the notice of a logon");
        return;
    }
    append(&share->logon_domain, domain, true);
    append(&share->logon_user, user, true);
    share->session_id = (struct rdp_number){.value = id, .is_known = true};
    tell_logon(share);
}

static void on_logon_errors(struct rdp_share *share, struct cursor *field)
{
    uint32_t type = take_u32_le(field);
    uint32_t data = take_u32_le(field);
    const char *type_name = rdp_logon_error_name(type);
    const char *data_name = rdp_logon_data_name(data);
    struct text detail = {.limit = RDP_TEXT_LIMIT};

    if (!cursor_is_good(field))
        return;
    if (type_name != NULL)
        text_append_text(&detail, type_name);
    else
        text_append_format(&detail, "0x%08x", (unsigned)type);
    if (data_name != NULL)
        text_append_item(&detail, ", ", bytes_of_text(data_name));
    else
        text_append_format(&detail, ", session %u", (unsigned)data);
    rdp_tell_text(share, FROM_SERVER, "logon_notice", text_bytes(&detail));
    text_free(&detail);
    if (data < 3 && share->auth_result == NULL) { /* of the data, 0 to 2 are failures */
        share->auth_result = "failure";
        login_failures_refused(share->conversation, "rdp", true);
    }
}

/* The cookie for coming back is never shown: whoever has it can take the session. */
static void on_extended(struct rdp_share *share, struct cursor *data)
{
    uint32_t present;

    skip_bytes(data, 2);
    present = take_u32_le(data);
    for (uint32_t bit = 1; bit <= EXTENDED_LOGON_ERRORS && cursor_is_good(data); bit <<= 1) {
        uint32_t length;
        struct cursor field;

        if ((present & bit) == 0)
            continue;
        length = take_u32_le(data);
        field = take_child(data, length);
        if (cursor_is_good(&field) && bit == EXTENDED_AUTO_RECONNECT)
            rdp_tell(share, FROM_SERVER, "auto_reconnect", "a cookie was given");
        else if (cursor_is_good(&field))
            on_logon_errors(share, &field);
    }
}

void rdp_read_save_session_info(struct rdp_share *share, struct cursor *data)
{
    uint32_t type = take_u32_le(data);

    if (!cursor_is_good(data))
        return;
    if (type == SAVE_LOGON)
        on_logon(share, data);
    else if (type == SAVE_LOGON_LONG)
        on_logon_long(share, data);
    else if (type == SAVE_PLAIN_NOTIFY)
        tell_logon(share);
    else if (type == SAVE_LOGON_EXTENDED)
        on_extended(share, data);
}

/* ---- the row ---- */

static struct record_text shown(const struct text *text)
{
    return record_text_unless_empty(text_bytes(text));
}

void rdp_info_fill(const struct rdp_share *share, struct rdp_session *row)
{
    const struct rdp_client_info *info = &share->info;

    row->domain = info->domain.length > 0 ? shown(&info->domain) : shown(&share->logon_domain);
    row->user = info->user.length > 0 ? shown(&info->user) : shown(&share->logon_user);
    row->password = shown(&info->password);
    row->program = shown(&info->program);
    row->working_directory = shown(&info->working_directory);
    row->client_address = shown(&info->address);
    row->client_directory = shown(&info->directory);
    row->client_time_zone = shown(&info->time_zone);
    if (info->performance_flags.is_known)
        row->performance_flags = record_integer(info->performance_flags.value);
    if (share->session_id.is_known)
        row->session_id = record_integer(share->session_id.value);
    if (share->auth_result != NULL)
        row->auth_result = record_text_of(share->auth_result);
    row->licensing = share->licensing != NULL ? record_text_of(share->licensing) : shown(&share->licensing_code);
    row->error_info = shown(&share->error_info);
}

void rdp_info_free(struct rdp_share *share)
{
    struct rdp_client_info *info = &share->info;
    struct text *const texts[] = {&info->domain,  &info->user,      &info->password,  &info->program,         &info->working_directory,
                                  &info->address, &info->directory, &info->time_zone, &share->licensing_code, &share->error_info,
                                  &share->logon_domain, &share->logon_user};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        text_free(texts[i]);
}

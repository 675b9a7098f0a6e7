/*
 * rdp_flags.c - names of RDP's flags, [MS-RDPBCGR] 2.2.1: those that are set, joined by commas; one without a name as '0x' and its bit in hexadecimal.
 */
#include "dissectors/rdp_record.h"

struct flag {
    uint32_t bit;
    const char *name;
};

static const char *name_of(const struct flag *flags, size_t count, uint32_t bit)
{
    for (size_t i = 0; i < count; i++) {
        if (flags[i].bit == bit)
            return flags[i].name;
    }
    return NULL;
}

static void append(const struct flag *flags, size_t count, uint32_t set, struct text *names)
{
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        const char *name = name_of(flags, count, bit);

        if ((set & bit) == 0)
            continue;
        if (name != NULL)
            text_append_item(names, ",", bytes_of_text(name));
        else
            text_append_format(names, "%s0x%x", names->length > 0 ? "," : "", (unsigned)bit);
    }
}

#define APPEND(FLAGS, SET, NAMES) append((FLAGS), sizeof(FLAGS) / sizeof((FLAGS)[0]), (SET), (NAMES))

void rdp_append_request_flags(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {
        {0x01, "RESTRICTED_ADMIN_MODE_REQUIRED"}, {0x02, "REDIRECTED_AUTHENTICATION_MODE_REQUIRED"}, {0x08, "CORRELATION_INFO_PRESENT"}};

    APPEND(flags, set, names);
}

void rdp_append_confirm_flags(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {{0x01, "EXTENDED_CLIENT_DATA_SUPPORTED"},
                                        {0x02, "DYNVC_GFX_PROTOCOL_SUPPORTED"},
                                        {0x04, "NEGRSP_FLAG_RESERVED"},
                                        {0x08, "RESTRICTED_ADMIN_MODE_SUPPORTED"},
                                        {0x10, "REDIRECTED_AUTHENTICATION_MODE_SUPPORTED"}};

    APPEND(flags, set, names);
}

void rdp_append_client_capabilities(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {
        {0x0001, "SUPPORT_ERRINFO_PDU"},        {0x0002, "WANT_32BPP_SESSION"},         {0x0004, "SUPPORT_STATUSINFO_PDU"},
        {0x0008, "STRONG_ASYMMETRIC_KEYS"},     {0x0020, "VALID_CONNECTION_TYPE"},      {0x0040, "SUPPORT_MONITOR_LAYOUT_PDU"},
        {0x0080, "SUPPORT_NETCHAR_AUTODETECT"}, {0x0100, "SUPPORT_DYNVC_GFX_PROTOCOL"}, {0x0200, "SUPPORT_DYNAMIC_TIME_ZONE"},
        {0x0400, "SUPPORT_HEARTBEAT_PDU"},      {0x0800, "SUPPORT_SKIP_CHANNELJOIN"}};

    APPEND(flags, set, names);
}

void rdp_append_server_capabilities(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {
        {0x1, "EDGE_ACTIONS_SUPPORTED_V1"}, {0x2, "DYNAMIC_DST_SUPPORTED"}, {0x4, "EDGE_ACTIONS_SUPPORTED_V2"}, {0x8, "SKIP_CHANNELJOIN_SUPPORTED"}};

    APPEND(flags, set, names);
}

void rdp_append_depths(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {{0x1, "24"}, {0x2, "16"}, {0x4, "15"}, {0x8, "32"}};

    APPEND(flags, set, names);
}

void rdp_append_methods(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {
        {RDP_METHOD_40BIT, "40bit"}, {RDP_METHOD_128BIT, "128bit"}, {RDP_METHOD_56BIT, "56bit"}, {RDP_METHOD_FIPS, "FIPS"}};

    APPEND(flags, set, names);
}

/* Bits 2 to 5 are a version, which is told by its number: 2.2.1.3.5. */
void rdp_append_cluster_flags(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {{0x01, "REDIRECTION_SUPPORTED"}, {0x02, "REDIRECTED_SESSIONID_FIELD_VALID"}, {0x40, "REDIRECTED_SMARTCARD"}};

    APPEND(flags, set & ~(uint32_t)0x3c, names);
    if ((set & 0x01) != 0)
        text_append_format(names, ",REDIRECTION_VERSION%u", (unsigned)(set >> 2 & 0xf) + 1);
}

void rdp_append_multitransport(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {{0x001, "UDPFECR"}, {0x004, "UDPFECL"}, {0x100, "UDP_PREFERRED"}, {0x200, "SOFTSYNC_TCP_TO_UDP"}};

    APPEND(flags, set, names);
}

void rdp_append_channel_options(uint32_t set, struct text *names)
{
    static const struct flag flags[] = {{0x80000000, "INITIALIZED"},
                                        {0x40000000, "ENCRYPT_RDP"},
                                        {0x20000000, "ENCRYPT_SC"},
                                        {0x10000000, "ENCRYPT_CS"},
                                        {0x08000000, "PRI_HIGH"},
                                        {0x04000000, "PRI_MED"},
                                        {0x02000000, "PRI_LOW"},
                                        {0x00800000, "COMPRESS_RDP"},
                                        {0x00400000, "COMPRESS"},
                                        {0x00200000, "SHOW_PROTOCOL"},
                                        {0x00100000, "REMOTE_CONTROL_PERSISTENT"}};

    APPEND(flags, set, names);
}

static int32_t extent(int32_t first, int32_t last)
{
    int64_t size = (int64_t)last - first + 1;

    return size > 0 && size <= INT32_MAX ? (int32_t)size : 0;
}

void rdp_append_monitors(const struct rdp_settings *settings, struct text *list)
{
    for (unsigned i = 0; i < settings->monitor_count; i++) {
        const struct rdp_monitor *monitor = &settings->monitors[i];

        text_append_format(list, "%s%dx%d%+d%+d%s", i > 0 ? ", " : "", (int)extent(monitor->left, monitor->right),
                           (int)extent(monitor->top, monitor->bottom), (int)monitor->left, (int)monitor->top,
                           (monitor->flags & 1) != 0 ? " primary" : "");
        if (monitor->has_attributes && monitor->physical_width != 0) /* else the client does not know them */
            text_append_format(list, " %ux%umm %u° %u%%/%u%%", (unsigned)monitor->physical_width, (unsigned)monitor->physical_height,
                               (unsigned)monitor->orientation, (unsigned)monitor->desktop_scale, (unsigned)monitor->device_scale);
    }
}

/*
 * rdp_session_names.c - names of the numbers of a session: error info ([MS-RDPBCGR] 2.2.5.1.1), capability sets (2.2.1.13.1.1.1),
 * codecs (2.2.7.2.10.1.1), licensing errors (2.2.1.12.1.3) and status (2.2.5.2).
 */
#include "dissectors/rdp_share.h"

struct named_number {
    uint32_t number;
    const char *name;
};

static const char *find_name(const struct named_number *names, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].number == number)
            return names[i].name;
    }
    return NULL;
}
#define FIND_NAME(NAMES, NUMBER) find_name(NAMES, sizeof(NAMES) / sizeof(NAMES)[0], NUMBER)

const char *rdp_error_info_name(uint32_t code)
{
    static const struct named_number names[] = {
        {0x1, "ERRINFO_RPC_INITIATED_DISCONNECT"},
        {0x2, "ERRINFO_RPC_INITIATED_LOGOFF"},
        {0x3, "ERRINFO_IDLE_TIMEOUT"},
        {0x4, "ERRINFO_LOGON_TIMEOUT"},
        {0x5, "ERRINFO_DISCONNECTED_BY_OTHERCONNECTION"},
        {0x6, "ERRINFO_OUT_OF_MEMORY"},
        {0x7, "ERRINFO_SERVER_DENIED_CONNECTION"},
        {0x9, "ERRINFO_SERVER_INSUFFICIENT_PRIVILEGES"},
        {0xa, "ERRINFO_SERVER_FRESH_CREDENTIALS_REQUIRED"},
        {0xb, "ERRINFO_RPC_INITIATED_DISCONNECT_BYUSER"},
        {0xc, "ERRINFO_LOGOFF_BY_USER"},
        {0xf, "ERRINFO_CLOSE_STACK_ON_DRIVER_NOT_READY"},
        {0x10, "ERRINFO_SERVER_DWM_CRASH"},
        {0x11, "ERRINFO_CLOSE_STACK_ON_DRIVER_FAILURE"},
        {0x12, "ERRINFO_CLOSE_STACK_ON_DRIVER_IFACE_FAILURE"},
        {0x17, "ERRINFO_SERVER_WINLOGON_CRASH"},
        {0x18, "ERRINFO_SERVER_CSRSS_CRASH"},
        {0x19, "ERRINFO_SERVER_SHUTDOWN"},
        {0x1a, "ERRINFO_SERVER_REBOOT"},
        {0x100, "ERRINFO_LICENSE_INTERNAL"},
        {0x101, "ERRINFO_LICENSE_NO_LICENSE_SERVER"},
        {0x102, "ERRINFO_LICENSE_NO_LICENSE"},
        {0x103, "ERRINFO_LICENSE_BAD_CLIENT_MSG"},
        {0x104, "ERRINFO_LICENSE_HWID_DOESNT_MATCH_LICENSE"},
        {0x105, "ERRINFO_LICENSE_BAD_CLIENT_LICENSE"},
        {0x106, "ERRINFO_LICENSE_CANT_FINISH_PROTOCOL"},
        {0x107, "ERRINFO_LICENSE_CLIENT_ENDED_PROTOCOL"},
        {0x108, "ERRINFO_LICENSE_BAD_CLIENT_ENCRYPTION"},
        {0x109, "ERRINFO_LICENSE_CANT_UPGRADE_LICENSE"},
        {0x10a, "ERRINFO_LICENSE_NO_REMOTE_CONNECTIONS"},
        {0x400, "ERRINFO_CB_DESTINATION_NOT_FOUND"},
        {0x402, "ERRINFO_CB_LOADING_DESTINATION"},
        {0x404, "ERRINFO_CB_REDIRECTING_TO_DESTINATION"},
        {0x405, "ERRINFO_CB_SESSION_ONLINE_VM_WAKE"},
        {0x406, "ERRINFO_CB_SESSION_ONLINE_VM_BOOT"},
        {0x407, "ERRINFO_CB_SESSION_ONLINE_VM_NO_DNS"},
        {0x408, "ERRINFO_CB_DESTINATION_POOL_NOT_FREE"},
        {0x409, "ERRINFO_CB_CONNECTION_CANCELLED"},
        {0x410, "ERRINFO_CB_CONNECTION_ERROR_INVALID_SETTINGS"},
        {0x411, "ERRINFO_CB_SESSION_ONLINE_VM_BOOT_TIMEOUT"},
        {0x412, "ERRINFO_CB_SESSION_ONLINE_VM_SESSMON_FAILED"},
        {0x10c9, "ERRINFO_UNKNOWNPDUTYPE2"},
        {0x10ca, "ERRINFO_UNKNOWNPDUTYPE"},
        {0x10cb, "ERRINFO_DATAPDUSEQUENCE"},
        {0x10cd, "ERRINFO_CONTROLPDUSEQUENCE"},
        {0x10ce, "ERRINFO_INVALIDCONTROLPDUACTION"},
        {0x10cf, "ERRINFO_INVALIDINPUTPDUTYPE"},
        {0x10d0, "ERRINFO_INVALIDINPUTPDUMOUSE"},
        {0x10d1, "ERRINFO_INVALIDREFRESHRECTPDU"},
        {0x10d2, "ERRINFO_CREATEUSERDATAFAILED"},
        {0x10d3, "ERRINFO_CONNECTFAILED"},
        {0x10d4, "ERRINFO_CONFIRMACTIVEWRONGSHAREID"},
        {0x10d5, "ERRINFO_CONFIRMACTIVEWRONGORIGINATOR"},
        {0x10da, "ERRINFO_PERSISTENTKEYPDUBADLENGTH"},
        {0x10db, "ERRINFO_PERSISTENTKEYPDUILLEGALFIRST"},
        {0x10dc, "ERRINFO_PERSISTENTKEYPDUTOOMANYTOTALKEYS"},
        {0x10dd, "ERRINFO_PERSISTENTKEYPDUTOOMANYCACHEKEYS"},
        {0x10de, "ERRINFO_INPUTPDUBADLENGTH"},
        {0x10df, "ERRINFO_BITMAPCACHEERRORPDUBADLENGTH"},
        {0x10e0, "ERRINFO_SECURITYDATATOOSHORT"},
        {0x10e1, "ERRINFO_VCHANNELDATATOOSHORT"},
        {0x10e2, "ERRINFO_SHAREDATATOOSHORT"},
        {0x10e3, "ERRINFO_BADSUPPRESSOUTPUTPDU"},
        {0x10e5, "ERRINFO_CONFIRMACTIVEPDUTOOSHORT"},
        {0x10e7, "ERRINFO_CAPABILITYSETTOOSMALL"},
        {0x10e8, "ERRINFO_CAPABILITYSETTOOLARGE"},
        {0x10e9, "ERRINFO_NOCURSORCACHE"},
        {0x10ea, "ERRINFO_BADCAPABILITIES"},
        {0x10ec, "ERRINFO_VIRTUALCHANNELDECOMPRESSIONERR"},
        {0x10ed, "ERRINFO_INVALIDVCCOMPRESSIONTYPE"},
        {0x10ef, "ERRINFO_INVALIDCHANNELID"},
        {0x10f0, "ERRINFO_VCHANNELSTOOMANY"},
        {0x10f3, "ERRINFO_REMOTEAPPSNOTENABLED"},
        {0x10f4, "ERRINFO_CACHECAPNOTSET"},
        {0x10f5, "ERRINFO_BITMAPCACHEERRORPDUBADLENGTH2"},
        {0x10f6, "ERRINFO_OFFSCRCACHEERRORPDUBADLENGTH"},
        {0x10f7, "ERRINFO_DNGCACHEERRORPDUBADLENGTH"},
        {0x10f8, "ERRINFO_GDIPLUSPDUBADLENGTH"},
        {0x1111, "ERRINFO_SECURITYDATATOOSHORT2"},
        {0x1112, "ERRINFO_SECURITYDATATOOSHORT3"},
        {0x1113, "ERRINFO_SECURITYDATATOOSHORT4"},
        {0x1114, "ERRINFO_SECURITYDATATOOSHORT5"},
        {0x1115, "ERRINFO_SECURITYDATATOOSHORT6"},
        {0x1116, "ERRINFO_SECURITYDATATOOSHORT7"},
        {0x1117, "ERRINFO_SECURITYDATATOOSHORT8"},
        {0x1118, "ERRINFO_SECURITYDATATOOSHORT9"},
        {0x1119, "ERRINFO_SECURITYDATATOOSHORT10"},
        {0x111a, "ERRINFO_SECURITYDATATOOSHORT11"},
        {0x111b, "ERRINFO_SECURITYDATATOOSHORT12"},
        {0x111c, "ERRINFO_SECURITYDATATOOSHORT13"},
        {0x111d, "ERRINFO_SECURITYDATATOOSHORT14"},
        {0x111e, "ERRINFO_SECURITYDATATOOSHORT15"},
        {0x111f, "ERRINFO_SECURITYDATATOOSHORT16"},
        {0x1120, "ERRINFO_SECURITYDATATOOSHORT17"},
        {0x1121, "ERRINFO_SECURITYDATATOOSHORT18"},
        {0x1122, "ERRINFO_SECURITYDATATOOSHORT19"},
        {0x1123, "ERRINFO_SECURITYDATATOOSHORT20"},
        {0x1124, "ERRINFO_SECURITYDATATOOSHORT21"},
        {0x1125, "ERRINFO_SECURITYDATATOOSHORT22"},
        {0x1126, "ERRINFO_SECURITYDATATOOSHORT23"},
        {0x1129, "ERRINFO_BADMONITORDATA"},
        {0x112a, "ERRINFO_VCDECOMPRESSEDREASSEMBLEFAILED"},
        {0x112b, "ERRINFO_VCDATATOOLONG"},
        {0x112c, "ERRINFO_BAD_FRAME_ACK_DATA"},
        {0x112d, "ERRINFO_GRAPHICSMODENOTSUPPORTED"},
        {0x112e, "ERRINFO_GRAPHICSSUBSYSTEMRESETFAILED"},
        {0x112f, "ERRINFO_GRAPHICSSUBSYSTEMFAILED"},
        {0x1130, "ERRINFO_TIMEZONEKEYNAMELENGTHTOOSHORT"},
        {0x1131, "ERRINFO_TIMEZONEKEYNAMELENGTHTOOLONG"},
        {0x1132, "ERRINFO_DYNAMICDSTDISABLEDFIELDMISSING"},
        {0x1133, "ERRINFO_VCDECODINGERROR"},
        {0x1134, "ERRINFO_VIRTUALDESKTOPTOOLARGE"},
        {0x1135, "ERRINFO_MONITORGEOMETRYVALIDATIONFAILED"},
        {0x1136, "ERRINFO_INVALIDMONITORCOUNT"},
        {0x1191, "ERRINFO_UPDATESESSIONKEYFAILED"},
        {0x1192, "ERRINFO_DECRYPTFAILED"},
        {0x1193, "ERRINFO_ENCRYPTFAILED"},
        {0x1194, "ERRINFO_ENCPKGMISMATCH"},
        {0x1195, "ERRINFO_DECRYPTFAILED2"},
    };

    return FIND_NAME(names, code);
}

const char *rdp_capability_name(uint32_t type)
{
    static const char *const names[] = {
        [1] = "general", [2] = "bitmap", [3] = "order", [4] = "bitmap cache", [5] = "control", [7] = "activation", [8] = "pointer", [9] = "share",
        [10] = "color cache", [12] = "sound", [13] = "input", [14] = "font", [15] = "brush", [16] = "glyph cache", [17] = "offscreen cache",
        [18] = "bitmap cache host support", [19] = "bitmap cache rev. 2", [20] = "virtual channel", [21] = "draw nine grid cache",
        [22] = "draw GDI+", [23] = "remote programs", [24] = "window list", [25] = "desktop composition", [26] = "multifragment update",
        [27] = "large pointer", [28] = "surface commands", [29] = "bitmap codecs", [30] = "frame acknowledge",
    };

    return type < sizeof names / sizeof names[0] ? names[type] : NULL;
}

const char *rdp_licensing_error_name(uint32_t code)
{
    static const struct named_number names[] = {
        {1, "ERR_INVALID_SERVER_CERTIFICATE"}, {2, "ERR_NO_LICENSE"}, {3, "ERR_INVALID_MAC"}, {4, "ERR_INVALID_SCOPE"}, {6, "ERR_NO_LICENSE_SERVER"},
        {7, "STATUS_VALID_CLIENT"}, {8, "ERR_INVALID_CLIENT"}, {0xb, "ERR_INVALID_PRODUCTID"}, {0xc, "ERR_INVALID_MESSAGE_LEN"},
    };

    return FIND_NAME(names, code);
}

const char *rdp_status_name(uint32_t code)
{
    static const struct named_number names[] = {
        {0x401, "TS_STATUS_FINDING_DESTINATION"}, {0x402, "TS_STATUS_LOADING_DESTINATION"}, {0x403, "TS_STATUS_BRINGING_SESSION_ONLINE"},
        {0x404, "TS_STATUS_REDIRECTING_TO_DESTINATION"}, {0x501, "TS_STATUS_VM_LOADING"}, {0x502, "TS_STATUS_VM_WAKING"},
        {0x503, "TS_STATUS_VM_STARTING"}, {0x504, "TS_STATUS_VM_STARTING_MONITORING"}, {0x505, "TS_STATUS_VM_RETRYING_MONITORING"},
    };

    return FIND_NAME(names, code);
}

const char *rdp_logon_error_name(uint32_t type)
{
    static const struct named_number names[] = { /* 2.2.10.1.1.4.1.1, ErrorNotificationType */
        {0xfffffff9, "LOGON_MSG_DISCONNECT_REFUSED"}, {0xfffffffa, "LOGON_MSG_NO_PERMISSION"}, {0xfffffffb, "LOGON_MSG_BUMP_OPTIONS"},
        {0xfffffffc, "LOGON_MSG_RECONNECT_OPTIONS"}, {0xfffffffd, "LOGON_MSG_SESSION_TERMINATE"}, {0xfffffffe, "LOGON_MSG_SESSION_CONTINUE"},
    };

    return FIND_NAME(names, type);
}

const char *rdp_logon_data_name(uint32_t data)
{
    static const char *const names[] = {"LOGON_FAILED_BAD_PASSWORD", "LOGON_FAILED_UPDATE_PASSWORD", "LOGON_FAILED_OTHER", "LOGON_WARNING"};

    return data < sizeof names / sizeof names[0] ? names[data] : NULL;
}

const char *rdp_codec_name(struct bytes guid)
{
    static const struct {
        const char *guid; /* 16 bytes, as they stand on the wire */
        const char *name;
    } codecs[] = {
        {"\xb9\x1b\x8d\xca\x0f\x00\x4f\x15\x58\x9f\xae\x2d\x1a\x87\xe2\xd6", "NSCodec"},
        {"\x12\x2f\x77\x76\x72\xbd\x63\x44\xaf\xb3\xb7\x3c\x9c\x6f\x78\x86", "RemoteFX"},
        {"\xd4\xcc\x44\x27\x8a\x9d\x74\x4e\x80\x3c\x0e\xcb\xee\xa1\x9c\x54", "RemoteFX image"},
        {"\xa6\x51\x43\x9c\x35\x35\xae\x42\x91\x0c\xcd\xfc\xe5\x76\x0b\x58", "ignore"},
        {"\xe6\x4c\xaf\x1b\xed\x9e\x0c\x43\x86\x9a\xcb\x8b\x37\xb6\x62\x37", "JPEG"},
    };

    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        if (bytes_equal(guid, bytes_of(codecs[i].guid, 16)))
            return codecs[i].name;
    }
    return NULL;
}

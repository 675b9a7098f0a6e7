/*
 * rdp_names.c - names of RDP's numbers: [MS-RDPBCGR] 2.2.1, and the input locales of Windows.
 */
#include "dissectors/rdp_record.h"

struct name {
    uint32_t number;
    const char *name;
};

static const char *find(const struct name *names, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].number == number)
            return names[i].name;
    }
    return NULL;
}

#define FIND(NAMES, NUMBER) find((NAMES), sizeof(NAMES) / sizeof((NAMES)[0]), (NUMBER))

const char *rdp_keyboard_layout_name(uint32_t layout)
{
    static const struct name names[] = {
        {0x0401, "Arabic - Saudi Arabia"},
        {0x0402, "Bulgarian"},
        {0x0404, "Chinese - Taiwan"},
        {0x0405, "Czech"},
        {0x0406, "Danish"},
        {0x0407, "German - Germany"},
        {0x0408, "Greek"},
        {0x0409, "English - United States"},
        {0x040a, "Spanish - Spain (Traditional Sort)"},
        {0x040b, "Finnish"},
        {0x040c, "French - France"},
        {0x040d, "Hebrew"},
        {0x040e, "Hungarian"},
        {0x040f, "Icelandic"},
        {0x0410, "Italian - Italy"},
        {0x0411, "Japanese"},
        {0x0412, "Korean"},
        {0x0413, "Dutch - Netherlands"},
        {0x0414, "Norwegian (Bokmål)"},
        {0x0415, "Polish"},
        {0x0416, "Portuguese - Brazil"},
        {0x0418, "Romanian"},
        {0x0419, "Russian"},
        {0x041a, "Croatian"},
        {0x041b, "Slovak"},
        {0x041c, "Albanian"},
        {0x041d, "Swedish"},
        {0x041e, "Thai"},
        {0x041f, "Turkish"},
        {0x0420, "Urdu"},
        {0x0421, "Indonesian"},
        {0x0422, "Ukrainian"},
        {0x0423, "Belarusian"},
        {0x0424, "Slovenian"},
        {0x0425, "Estonian"},
        {0x0426, "Latvian"},
        {0x0427, "Lithuanian"},
        {0x0429, "Farsi"},
        {0x042a, "Vietnamese"},
        {0x042b, "Armenian"},
        {0x042d, "Basque"},
        {0x042f, "Macedonian"},
        {0x0437, "Georgian"},
        {0x0439, "Hindi"},
        {0x043e, "Malay - Malaysia"},
        {0x043f, "Kazakh"},
        {0x0804, "Chinese - People's Republic of China"},
        {0x0807, "German - Switzerland"},
        {0x0809, "English - United Kingdom"},
        {0x080a, "Spanish - Mexico"},
        {0x080c, "French - Belgium"},
        {0x0810, "Italian - Switzerland"},
        {0x0813, "Dutch - Belgium"},
        {0x0814, "Norwegian (Nynorsk)"},
        {0x0816, "Portuguese - Portugal"},
        {0x081a, "Serbian (Latin)"},
        {0x0c04, "Chinese - Hong Kong SAR"},
        {0x0c07, "German - Austria"},
        {0x0c09, "English - Australia"},
        {0x0c0a, "Spanish - Spain (Modern Sort)"},
        {0x0c0c, "French - Canada"},
        {0x0c1a, "Serbian (Cyrillic)"},
        {0x1004, "Chinese - Singapore"},
        {0x1009, "English - Canada"},
        {0x100c, "French - Switzerland"},
        {0x1409, "English - New Zealand"},
        {0x1809, "English - Ireland"},
        {0x1c09, "English - South Africa"},
        {0x4009, "English - India"},
    };

    return FIND(names, layout);
}

const char *rdp_keyboard_type_name(uint32_t type)
{
    static const struct name names[] = {
        {1, "IBM PC/XT or compatible (83-key)"},
        {2, "Olivetti \"ICO\" (102-key)"},
        {3, "IBM PC/AT (84-key) or similar"},
        {4, "IBM enhanced (101- or 102-key)"},
        {5, "Nokia 1050 and similar"},
        {6, "Nokia 9140 and similar"},
        {7, "Japanese"},
    };

    return FIND(names, type);
}

const char *rdp_version_name(uint32_t version)
{
    static const struct name names[] = {
        {0x00080001, "RDP 4.0"},  {0x00080004, "RDP 5.0-8.1"}, {0x00080005, "RDP 10.0"},  {0x00080006, "RDP 10.1"},  {0x00080007, "RDP 10.2"},
        {0x00080008, "RDP 10.3"}, {0x00080009, "RDP 10.4"},    {0x0008000a, "RDP 10.5"},  {0x0008000b, "RDP 10.6"},  {0x0008000c, "RDP 10.7"},
        {0x0008000d, "RDP 10.8"}, {0x0008000e, "RDP 10.9"},    {0x0008000f, "RDP 10.10"}, {0x00080010, "RDP 10.11"}, {0x00080011, "RDP 10.12"},
    };

    return FIND(names, version);
}

const char *rdp_failure_name(uint32_t code)
{
    static const struct name names[] = {
        {1, "SSL_REQUIRED_BY_SERVER"},  {2, "SSL_NOT_ALLOWED_BY_SERVER"}, {3, "SSL_CERT_NOT_ON_SERVER"},
        {4, "INCONSISTENT_FLAGS"},      {5, "HYBRID_REQUIRED_BY_SERVER"}, {6, "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"},
    };

    return FIND(names, code);
}

const char *rdp_encryption_method_name(uint32_t method)
{
    static const struct name names[] = {{0, "none"}, {1, "40bit"}, {2, "128bit"}, {8, "56bit"}, {16, "FIPS"}};

    return FIND(names, method);
}

const char *rdp_encryption_level_name(uint32_t level)
{
    static const struct name names[] = {{0, "none"}, {1, "low"}, {2, "client compatible"}, {3, "high"}, {4, "FIPS"}};

    return FIND(names, level);
}

const char *rdp_protocol_name(uint32_t protocol)
{
    static const struct name names[] = {{0, "RDP"}, {1, "SSL"}, {2, "HYBRID"}, {4, "RDSTLS"}, {8, "HYBRID_EX"}, {16, "RDSAAD"}};

    return FIND(names, protocol);
}

const char *rdp_build_name(uint32_t build)
{
    static const struct name names[] = {
        {419, "Windows NT 4.0 Terminal Server (RDP 4.0)"},
        {2195, "Windows 2000 (RDP 5.0)"},
        {2221, "Windows 2000 (RDP 5.0)"},
        {2600, "Windows XP (RDP 5.1)"},
        {3790, "Windows Server 2003 (RDP 5.2)"},
        {6000, "Windows Vista (RDP 6.0)"},
        {6001, "Windows Vista SP1 (RDP 6.1)"},
        {6002, "Windows Vista SP2 (RDP 6.2)"},
        {7600, "Windows 7 (RDP 7.0)"},
        {7601, "Windows 7 SP1 (RDP 7.1)"},
        {9200, "Windows 8 (RDP 8.0)"},
        {9600, "Windows 8.1 (RDP 8.1)"},
        {10240, "Windows 10 1507"},
        {10586, "Windows 10 1511"},
        {14393, "Windows 10 1607"},
        {15063, "Windows 10 1703"},
        {16299, "Windows 10 1709"},
        {17134, "Windows 10 1803"},
        {17763, "Windows 10 1809"},
        {18362, "Windows 10 1903"},
        {18363, "Windows 10 1909"},
        {19041, "Windows 10 2004"},
        {19042, "Windows 10 20H2"},
        {19043, "Windows 10 21H1"},
        {19044, "Windows 10 21H2"},
        {19045, "Windows 10 22H2"},
        {20348, "Windows Server 2022"},
        {22000, "Windows 11 21H2"},
        {22621, "Windows 11 22H2"},
        {22631, "Windows 11 23H2"},
        {25189, "Mac (RDP 8.0)"},
        {25282, "Mac (RDP 8.0)"},
        {26100, "Windows 11 24H2"},
        {26200, "Windows 11 25H2"},
    };

    return FIND(names, build);
}

const char *rdp_connection_type_name(uint32_t type)
{
    static const struct name names[] = {{1, "modem"}, {2, "broadband low"}, {3, "satellite"}, {4, "broadband high"}, {5, "WAN"}, {6, "LAN"}, {7, "autodetect"}};

    return FIND(names, type);
}

const char *rdp_connect_result_name(uint32_t result)
{
    static const char *const names[] = {
        "rt-successful",
        "rt-domain-merging",
        "rt-domain-not-hierarchical",
        "rt-no-such-channel",
        "rt-no-such-domain",
        "rt-no-such-user",
        "rt-not-admitted",
        "rt-other-user-id",
        "rt-parameters-unacceptable",
        "rt-token-not-available",
        "rt-token-not-possessed",
        "rt-too-many-channels",
        "rt-too-many-tokens",
        "rt-too-many-users",
        "rt-unspecified-failure",
        "rt-user-rejected",
    };

    return result < sizeof names / sizeof names[0] ? names[result] : NULL;
}

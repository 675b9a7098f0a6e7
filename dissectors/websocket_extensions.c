/* websocket_extensions.c - the list of extensions (RFC 6455, 9.1) and the parameters of permessage-deflate (RFC 7692, 7.1); see websocket_deflate.h. */
#include "dissectors/websocket_deflate.h"

#define WINDOW_BITS_LEAST 8
#define WINDOW_BITS_MOST 15

/* Parameters that stood already. */
struct parameters_seen {
    bool keeps[SIDE_COUNT];
    bool bits[SIDE_COUNT];
};

static struct bytes without_quotes(struct bytes value)
{
    if (value.length >= 2 && value.at[0] == '"' && value.at[value.length - 1] == '"')
        return bytes_of(value.at + 1, value.length - 2);
    return value;
}

static const char *take_window_bits(struct websocket_extensions *extensions, enum side side, bool has_value, struct bytes value, bool is_answer)
{
    uint64_t bits;

    if (!has_value)
        return is_answer || side == FROM_SERVER ? "window bits without a number" : NULL;
    if (!bytes_to_number(value, WINDOW_BITS_MOST, &bits) || bits < WINDOW_BITS_LEAST || value.at[0] == '0')
        return "window bits that are none of 8 to 15";
    if (is_answer)
        extensions->window_bits[side] = (uint8_t)bits;
    return NULL;
}

static const char *take_no_takeover(struct websocket_extensions *extensions, enum side side, bool has_value, bool is_answer)
{
    if (has_value)
        return "a value where there is none";
    if (is_answer)
        extensions->keeps_window[side] = false;
    return NULL;
}

static const char *take_parameter(struct websocket_extensions *extensions, struct parameters_seen *seen, struct bytes parameter, bool is_answer)
{
    struct bytes rest;
    struct bytes name = bytes_trim(bytes_split(parameter, '=', &rest));
    bool has_value = rest.at != NULL;
    struct bytes value = without_quotes(bytes_trim(rest));
    enum side side = bytes_begin_nocase(name, "server_") ? FROM_SERVER : FROM_CLIENT;
    bool is_bits = bytes_equal_nocase(name, "server_max_window_bits") || bytes_equal_nocase(name, "client_max_window_bits");
    bool is_takeover = bytes_equal_nocase(name, "server_no_context_takeover") || bytes_equal_nocase(name, "client_no_context_takeover");
    bool *stood = is_bits ? &seen->bits[side] : &seen->keeps[side];

    if (!is_bits && !is_takeover)
        return "a parameter that permessage-deflate does not have";
    if (*stood)
        return "a parameter that stands twice";
    *stood = true;
    return is_bits ? take_window_bits(extensions, side, has_value, value, is_answer) : take_no_takeover(extensions, side, has_value, is_answer);
}

static void take_deflate(struct websocket_extensions *extensions, struct bytes parameters, bool is_answer)
{
    struct parameters_seen seen = {.keeps = {false}};

    extensions->compression = WEBSOCKET_DEFLATE;
    while (parameters.at != NULL) {
        const char *error = take_parameter(extensions, &seen, bytes_split(parameters, ';', &parameters), is_answer);

        if (extensions->error == NULL)
            extensions->error = error;
    }
}

static void take_extension(struct websocket_extensions *extensions, struct bytes extension, bool is_answer)
{
    struct bytes parameters;
    struct bytes name = bytes_trim(bytes_split(extension, ';', &parameters));

    if (name.length == 0)
        return;
    if (bytes_equal_nocase(name, "permessage-deflate")) {
        if (extensions->compression == WEBSOCKET_UNCOMPRESSED || (!is_answer && extensions->compression != WEBSOCKET_DEFLATE))
            take_deflate(extensions, parameters, is_answer);
        else if (is_answer && extensions->error == NULL)
            extensions->error = "a second compression";
        return;
    }
    extensions->has_others = extensions->has_others || is_answer; /* of those that were only offered nearly none is accepted */
    if (extensions->compression == WEBSOCKET_UNCOMPRESSED &&
        (bytes_contain_nocase(name, "deflate") || bytes_contain_nocase(name, "compress") || bytes_begin_nocase(name, "permessage-"))) {
        extensions->compression = WEBSOCKET_COMPRESSION_UNKNOWN;
        extensions->compression_name = name;
    }
}

struct websocket_extensions websocket_extensions_read(struct bytes list, bool is_answer)
{
    struct websocket_extensions extensions = {
        .keeps_window = {true, true},
        .window_bits = {WINDOW_BITS_MOST, WINDOW_BITS_MOST},
    };

    while (list.length > 0)
        take_extension(&extensions, bytes_split(list, ',', &list), is_answer);
    return extensions;
}

static bool is_in(struct bytes wanted, struct bytes list)
{
    while (list.length > 0) {
        struct bytes rest;
        struct bytes name = bytes_trim(bytes_split(bytes_split(list, ',', &list), ';', &rest));

        if (bytes_equal(name, wanted))
            return true;
    }
    return false;
}

bool websocket_extensions_were_offered(struct bytes answer, struct bytes offer)
{
    while (answer.length > 0) {
        struct bytes rest;
        struct bytes name = bytes_trim(bytes_split(bytes_split(answer, ',', &answer), ';', &rest));

        if (name.length > 0 && !is_in(name, offer))
            return false;
    }
    return true;
}

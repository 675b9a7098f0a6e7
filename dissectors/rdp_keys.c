/*
 * rdp_keys.c - what keys type (--keystrokes): scancodes of set 1, as a keyboard layout maps them.
 *
 * RDP carries where a key is, not what it types: the client's layout says that, and these are known: US, UK, German, French
 * and Spanish. With any other, letters are shown as the US layout has them and each event says so. Dead keys, input method editors and
 * what AltGr types (but for the third level of the layouts above) are not followed: such a key is shown by its name.
 */
#include "dissectors/rdp_share.h"

enum modifier {
    HELD_SHIFT = 1,
    HELD_CONTROL = 2,
    HELD_ALT = 4,
    HELD_ALT_GR = 8,
    HELD_WINDOWS = 16,
};

#define SPACE_BAR 0x39
#define CAPS_LOCK 0x3a

/* One row of keys: what it types, with Shift, with AltGr; NULL: nothing of its own. UTF-8. */
struct typed_key {
    uint8_t scancode;
    const char *plain;
    const char *shifted;
    const char *third;
};

static const struct typed_key us_keys[] = {
    {0x02, "1", "!", NULL}, {0x03, "2", "@", NULL}, {0x04, "3", "#", NULL}, {0x05, "4", "$", NULL}, {0x06, "5", "%", NULL}, {0x07, "6", "^", NULL},
    {0x08, "7", "&", NULL}, {0x09, "8", "*", NULL}, {0x0a, "9", "(", NULL}, {0x0b, "0", ")", NULL}, {0x0c, "-", "_", NULL}, {0x0d, "=", "+", NULL},
    {0x10, "q", "Q", NULL}, {0x11, "w", "W", NULL}, {0x12, "e", "E", NULL}, {0x13, "r", "R", NULL}, {0x14, "t", "T", NULL}, {0x15, "y", "Y", NULL},
    {0x16, "u", "U", NULL}, {0x17, "i", "I", NULL}, {0x18, "o", "O", NULL}, {0x19, "p", "P", NULL}, {0x1a, "[", "{", NULL}, {0x1b, "]", "}", NULL},
    {0x1e, "a", "A", NULL}, {0x1f, "s", "S", NULL}, {0x20, "d", "D", NULL}, {0x21, "f", "F", NULL}, {0x22, "g", "G", NULL}, {0x23, "h", "H", NULL},
    {0x24, "j", "J", NULL}, {0x25, "k", "K", NULL}, {0x26, "l", "L", NULL}, {0x27, ";", ":", NULL}, {0x28, "'", "\"", NULL}, {0x29, "`", "~", NULL},
    {0x2b, "\\", "|", NULL}, {0x2c, "z", "Z", NULL}, {0x2d, "x", "X", NULL}, {0x2e, "c", "C", NULL}, {0x2f, "v", "V", NULL}, {0x30, "b", "B", NULL},
    {0x31, "n", "N", NULL}, {0x32, "m", "M", NULL}, {0x33, ",", "<", NULL}, {0x34, ".", ">", NULL}, {0x35, "/", "?", NULL}, {0x56, "\\", "|", NULL},
};

/* Where these differ from the US layout. */
static const struct typed_key uk_keys[] = {
    {0x03, "2", "\"", NULL}, {0x04, "3", "£", NULL}, {0x05, "4", "$", "€"}, {0x28, "'", "@", NULL}, {0x29, "`", "¬", "¦"}, {0x2b, "#", "~", NULL},
};

static const struct typed_key german_keys[] = {
    {0x03, "2", "\"", "²"}, {0x04, "3", "§", "³"}, {0x07, "6", "&", NULL}, {0x08, "7", "/", "{"}, {0x09, "8", "(", "["}, {0x0a, "9", ")", "]"},
    {0x0b, "0", "=", "}"}, {0x0c, "ß", "?", "\\"}, {0x0d, "<Dead ´>", "<Dead `>", NULL}, {0x10, "q", "Q", "@"}, {0x12, "e", "E", "€"},
    {0x15, "z", "Z", NULL}, {0x1a, "ü", "Ü", NULL}, {0x1b, "+", "*", "~"}, {0x27, "ö", "Ö", NULL}, {0x28, "ä", "Ä", NULL},
    {0x29, "<Dead ^>", "°", NULL}, {0x2b, "#", "'", NULL}, {0x2c, "y", "Y", NULL}, {0x32, "m", "M", "µ"}, {0x33, ",", ";", NULL},
    {0x34, ".", ":", NULL}, {0x35, "-", "_", NULL}, {0x56, "<", ">", "|"},
};

static const struct typed_key french_keys[] = {
    {0x02, "&", "1", NULL}, {0x03, "é", "2", "<Dead ~>"}, {0x04, "\"", "3", "#"}, {0x05, "'", "4", "{"}, {0x06, "(", "5", "["}, {0x07, "-", "6", "|"},
    {0x08, "è", "7", "<Dead `>"}, {0x09, "_", "8", "\\"}, {0x0a, "ç", "9", "^"}, {0x0b, "à", "0", "@"}, {0x0c, ")", "°", "]"}, {0x0d, "=", "+", "}"},
    {0x10, "a", "A", NULL}, {0x11, "z", "Z", NULL}, {0x12, "e", "E", "€"}, {0x1a, "<Dead ^>", "<Dead ¨>", NULL}, {0x1b, "$", "£", "¤"},
    {0x1e, "q", "Q", NULL}, {0x27, "m", "M", NULL}, {0x28, "ù", "%", NULL}, {0x29, "²", NULL, NULL}, {0x2b, "*", "µ", NULL}, {0x2c, "w", "W", NULL},
    {0x32, ",", "?", NULL}, {0x33, ";", ".", NULL}, {0x34, ":", "/", NULL}, {0x35, "!", "§", NULL}, {0x56, "<", ">", NULL},
};

static const struct typed_key spanish_keys[] = {
    {0x02, "1", "!", "|"}, {0x03, "2", "\"", "@"}, {0x04, "3", "·", "#"}, {0x05, "4", "$", "~"}, {0x06, "5", "%", "€"}, {0x07, "6", "&", "¬"},
    {0x08, "7", "/", NULL}, {0x09, "8", "(", NULL}, {0x0a, "9", ")", NULL}, {0x0b, "0", "=", NULL}, {0x0c, "'", "?", NULL}, {0x0d, "¡", "¿", NULL},
    {0x12, "e", "E", "€"}, {0x1a, "<Dead `>", "<Dead ^>", "["}, {0x1b, "+", "*", "]"}, {0x27, "ñ", "Ñ", NULL}, {0x28, "<Dead ´>", "<Dead ¨>", "{"},
    {0x29, "º", "ª", "\\"}, {0x2b, "ç", "Ç", "}"}, {0x33, ",", ";", NULL}, {0x34, ".", ":", NULL}, {0x35, "-", "_", NULL}, {0x56, "<", ">", NULL},
};

struct layout {
    uint32_t id;
    const struct typed_key *keys;
    size_t count;
};
#define LAYOUT(ID, KEYS) {ID, KEYS, sizeof(KEYS) / sizeof(KEYS)[0]}

static const struct layout layouts[] = {
    LAYOUT(0x0409, us_keys), LAYOUT(0x0809, uk_keys), LAYOUT(0x0407, german_keys), LAYOUT(0x040c, french_keys), LAYOUT(0x040a, spanish_keys), LAYOUT(0x0c0a, spanish_keys),
};

/* NULL where it is none of those. */
static const struct layout *find_layout(uint32_t id)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        if (layouts[i].id == id)
            return &layouts[i];
    }
    return NULL;
}

static const struct typed_key *find_key(const struct typed_key *keys, size_t count, uint8_t scancode)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].scancode == scancode)
            return &keys[i];
    }
    return NULL;
}

static const char *key_name(uint8_t scancode, bool is_extended)
{
    static const char *const plain[] = {
        [0x01] = "Escape", [0x0e] = "Backspace", [0x0f] = "Tab", [0x1c] = "Enter", [0x3a] = "CapsLock", [0x3b] = "F1", [0x3c] = "F2", [0x3d] = "F3",
        [0x3e] = "F4", [0x3f] = "F5", [0x40] = "F6", [0x41] = "F7", [0x42] = "F8", [0x43] = "F9", [0x44] = "F10", [0x45] = "NumLock", [0x46] = "ScrollLock",
        [0x57] = "F11", [0x58] = "F12",
    };
    static const char *const extended[] = {
        [0x1c] = "Enter", [0x35] = "/", [0x37] = "PrintScreen", [0x47] = "Home", [0x48] = "Up", [0x49] = "PageUp", [0x4b] = "Left", [0x4d] = "Right",
        [0x4f] = "End", [0x50] = "Down", [0x51] = "PageDown", [0x52] = "Insert", [0x53] = "Delete", [0x5d] = "Menu",
    };

    if (is_extended)
        return scancode < sizeof extended / sizeof extended[0] ? extended[scancode] : NULL;
    return scancode < sizeof plain / sizeof plain[0] ? plain[scancode] : NULL;
}

/* Of the number pad; NULL where it is none of its keys. What it types depends on NumLock, so it is named as printed on it. */
static const char *pad_name(uint8_t scancode)
{
    static const char *const names[] = {"7", "8", "9", "-", "4", "5", "6", "+", "1", "2", "3", "0", "."};

    if (scancode == 0x37)
        return "*";
    return scancode >= 0x47 && scancode <= 0x53 ? names[scancode - 0x47] : NULL;
}

static unsigned modifier_of(uint8_t scancode, bool is_extended)
{
    if (scancode == 0x2a || scancode == 0x36)
        return is_extended ? 0 : HELD_SHIFT;
    if (scancode == 0x1d)
        return HELD_CONTROL;
    if (scancode == 0x38)
        return is_extended ? HELD_ALT_GR : HELD_ALT;
    if (is_extended && (scancode == 0x5b || scancode == 0x5c))
        return HELD_WINDOWS;
    return 0;
}

static bool is_letter(const char *typed)
{
    return typed[1] == '\0' ? (typed[0] | 0x20) >= 'a' && (typed[0] | 0x20) <= 'z' : (unsigned char)typed[0] == 0xc3;
}

static void add_named(struct rdp_input *input, const char *name)
{
    text_append_format(&input->typed, "<%s%s%s%s%s>", (input->held & HELD_CONTROL) != 0 ? "Ctrl+" : "", (input->held & HELD_ALT) != 0 ? "Alt+" : "",
                       (input->held & HELD_ALT_GR) != 0 ? "AltGr+" : "", (input->held & HELD_WINDOWS) != 0 ? "Win+" : "", name);
}

/* A key that types something by itself. */
static void add_typed(struct rdp_input *input, const struct typed_key *key)
{
    bool shifts = (input->held & HELD_SHIFT) != 0;
    bool is_third = (input->held & HELD_ALT_GR) != 0 || (input->held & (HELD_CONTROL | HELD_ALT)) == (HELD_CONTROL | HELD_ALT);
    const char *typed;

    if (is_third && key->third != NULL) {
        text_append_text(&input->typed, key->third);
        return;
    }
    if ((input->held & ~(unsigned)HELD_SHIFT) != 0) {
        add_named(input, key->plain);
        return;
    }
    if (input->caps_lock && is_letter(key->plain))
        shifts = !shifts;
    typed = shifts ? key->shifted : key->plain;
    if (typed != NULL)
        text_append_text(&input->typed, typed);
}

static void add_key(struct rdp_share *share, uint8_t scancode, bool is_extended)
{
    struct rdp_input *input = &share->input;
    const struct rdp_number *id = &share->facts->settings.keyboard_layout;
    const struct layout *layout = id->is_known ? find_layout(id->value & 0xffff) : NULL;
    const struct typed_key *key = NULL;
    const char *name = key_name(scancode, is_extended);

    if (name == NULL && !is_extended)
        name = pad_name(scancode);
    if (layout != NULL)
        key = find_key(layout->keys, layout->count, scancode);
    if (key == NULL)
        key = find_key(us_keys, sizeof us_keys / sizeof us_keys[0], scancode);
    if (layout == NULL && input->typed.length == 0)
        text_append_text(&input->typed, "(as on a US keyboard) ");
    if (name != NULL && name[1] == '\0' && (input->held & ~(unsigned)HELD_SHIFT) == 0)
        text_append_text(&input->typed, name);
    else if (name != NULL)
        add_named(input, name);
    else if (!is_extended && scancode == SPACE_BAR && (input->held & ~(unsigned)HELD_SHIFT) == 0)
        text_append_text(&input->typed, " ");
    else if (!is_extended && scancode == SPACE_BAR)
        add_named(input, "Space");
    else if (!is_extended && key != NULL)
        add_typed(input, key);
    else
        text_append_format(&input->typed, "<key %s0x%02x>", is_extended ? "e0 " : "", scancode);
}

/* An event ends with Enter, or when it is long. */
static void end_typed(struct rdp_share *share, bool is_enter)
{
    if (is_enter || share->input.typed.length >= RDP_KEYS_LIMIT - 32)
        rdp_input_flush(share);
}

void rdp_key(struct rdp_share *share, uint8_t scancode, bool is_extended, bool is_release)
{
    struct rdp_input *input = &share->input;
    unsigned modifier = modifier_of(scancode, is_extended);

    if (modifier != 0) {
        input->held = is_release ? input->held & ~modifier : input->held | modifier;
        return;
    }
    if (is_release || !conversation_recording(share->conversation)->keystrokes)
        return;
    if (scancode == CAPS_LOCK && !is_extended)
        input->caps_lock = !input->caps_lock;
    if (is_extended && (scancode == 0x2a || scancode == 0x36))
        return; /* the shift that some keys bring with them */
    input->typed.limit = RDP_KEYS_LIMIT;
    add_key(share, scancode, is_extended);
    end_typed(share, scancode == 0x1c);
}

void rdp_unicode_key(struct rdp_share *share, uint16_t letter, bool is_release)
{
    struct rdp_input *input = &share->input;
    const uint8_t bytes[2] = {(uint8_t)letter, (uint8_t)(letter >> 8)};

    if (is_release || letter == 0 || !conversation_recording(share->conversation)->keystrokes)
        return;
    input->typed.limit = RDP_KEYS_LIMIT;
    if (letter == '\r' || letter == '\n')
        add_named(input, "Enter");
    else
        rdp_append_utf16(&input->typed, cursor_within(bytes_of(bytes, 2)));
    end_typed(share, letter == '\r' || letter == '\n');
}

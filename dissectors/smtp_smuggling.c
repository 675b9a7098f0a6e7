/*
 * smtp_smuggling.c - false ends of data and the commands behind them, found as the message goes by: RFC 5321, 4.1.1.4
 * knows one end, CR LF . CR LF, and 2.3.8 forbids CR and LF elsewhere.
 *
 * Left out: other sequences around the dot than CR, LF and NUL.
 */
#include "dissectors/smtp_smuggling.h"

#include "base/cursor.h"

/* What stands before the dot. */
enum {
    BEHIND_CR_LF,
    BEHIND_LF,
    BEHIND_CR,
    BEHIND_NUL,
    BEHIND_TEXT,
};

static int kind_of_break(const struct smtp_smuggling *smuggling)
{
    uint8_t last = smuggling->before[1];

    if (last == '\n')
        return smuggling->before[0] == '\r' ? BEHIND_CR_LF : BEHIND_LF;
    if (last == '\r')
        return BEHIND_CR;
    return last == 0 && smuggling->before[0] == '\n' ? BEHIND_NUL : BEHIND_TEXT;
}

static void push_before(struct smtp_smuggling *smuggling, uint8_t byte)
{
    smuggling->before[0] = smuggling->before[1];
    smuggling->before[1] = byte;
}

/* A dot and a line break were passed; `behind`: 0 LF, 1 CR, 2 CR LF. */
static void begin_false_end(struct smtp_smuggling *smuggling, unsigned behind)
{
    static const char *const names[][3] = {
        {"<CR><LF>.<LF>", "<CR><LF>.<CR>", NULL},
        {"<LF>.<LF>", "<LF>.<CR>", "<LF>.<CR><LF>"},
        {"<CR>.<LF>", "<CR>.<CR>", "<CR>.<CR><LF>"},
        {"<CR><LF><NUL>.<LF>", "<CR><LF><NUL>.<CR>", "<CR><LF><NUL>.<CR><LF>"},
    };

    smuggling->end_here = names[kind_of_break(smuggling)][behind];
    smuggling->before[0] = behind == 2 ? '\r' : '.';
    smuggling->before[1] = behind == 1 ? '\r' : '\n';
    smuggling->phase = smuggling->end_here != NULL ? SMTP_BEHIND_FALSE_END : SMTP_SEEKS_DOT;
    smuggling->ahead_length = 0;
}

/* With those that a mail of its own can begin with: a QUIT alone stands in many a text about SMTP. */
static bool begins_with_command(struct bytes ahead)
{
    static const char *const words[] = {"MAIL FROM:", "RCPT TO:", "EHLO ", "HELO ", "LHLO ", "RSET\r", "RSET\n", "BDAT ", "AUTH ", "STARTTLS"};

    struct cursor cursor = cursor_within(ahead);

    while (peek_u8(&cursor) == '\r' || peek_u8(&cursor) == '\n')
        skip_bytes(&cursor, 1);
    ahead = peek_bytes(&cursor);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (bytes_begin_nocase(ahead, words[i]))
            return true;
    }
    return false;
}

static bool is_plain_text(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        uint8_t byte = bytes.at[i];

        if ((byte < ' ' && byte != '\r' && byte != '\n' && byte != '\t') || byte >= 0x7f)
            return false;
    }
    return true;
}

/* Three bytes of binary data may look like a false end; text all around does not come by chance. */
static void judge(struct smtp_smuggling *smuggling)
{
    struct bytes ahead = bytes_of(smuggling->ahead, smuggling->ahead_length);
    enum smtp_smuggled found = SMTP_NOTHING_SMUGGLED;

    if (begins_with_command(ahead))
        found = SMTP_FALSE_END_COMMAND;
    else if (is_plain_text(ahead))
        found = SMTP_FALSE_END;
    if (found > smuggling->found) {
        smuggling->found = found;
        smuggling->end = smuggling->end_here;
    }
}

/* What stands behind a false end is looked at, and then looked through for the next one. */
static void seek_again(struct smtp_smuggling *smuggling)
{
    uint8_t ahead[SMTP_SMUGGLING_LOOK];
    size_t length = smuggling->ahead_length;

    memcpy(ahead, smuggling->ahead, length);
    judge(smuggling);
    smuggling->phase = SMTP_SEEKS_DOT;
    smuggling->ahead_length = 0;
    smtp_smuggling_look(smuggling, bytes_of(ahead, length));
}

static void on_byte_behind_dot(struct smtp_smuggling *smuggling, uint8_t byte)
{
    if (byte == '\n') {
        begin_false_end(smuggling, 0);
    } else if (byte == '\r') {
        smuggling->phase = SMTP_BEHIND_DOT_CR;
    } else {
        smuggling->before[0] = '.';
        smuggling->before[1] = byte;
        smuggling->phase = SMTP_SEEKS_DOT;
    }
}

/* Passes over the bytes up to the next dot that stands behind a line break, and the dot. */
static struct bytes seek_dot(struct smtp_smuggling *smuggling, struct bytes bytes)
{
    struct bytes rest;
    struct bytes run = bytes_split(bytes, '.', &rest);

    for (size_t i = run.length > 2 ? run.length - 2 : 0; i < run.length; i++)
        push_before(smuggling, run.at[i]);
    if (rest.at == NULL)
        return bytes_of(NULL, 0);
    if (kind_of_break(smuggling) == BEHIND_TEXT)
        push_before(smuggling, '.');
    else
        smuggling->phase = SMTP_BEHIND_DOT;
    return rest;
}

void smtp_smuggling_look(struct smtp_smuggling *smuggling, struct bytes bytes)
{
    if (!smuggling->has_begun) {
        smuggling->has_begun = true;
        smuggling->before[0] = '\r'; /* the end of DATA's line */
        smuggling->before[1] = '\n';
    }
    while (bytes.length > 0) {
        struct cursor cursor = cursor_over(bytes);

        if (smuggling->phase == SMTP_SEEKS_DOT) {
            bytes = seek_dot(smuggling, bytes);
            continue;
        }
        if (smuggling->phase == SMTP_BEHIND_DOT) {
            on_byte_behind_dot(smuggling, take_u8(&cursor));
        } else if (smuggling->phase == SMTP_BEHIND_DOT_CR) {
            bool is_cr_lf = peek_u8(&cursor) == '\n';

            if (is_cr_lf)
                skip_bytes(&cursor, 1);
            begin_false_end(smuggling, is_cr_lf ? 2 : 1);
        } else {
            smuggling->ahead[smuggling->ahead_length++] = take_u8(&cursor);
            if (smuggling->ahead_length == SMTP_SMUGGLING_LOOK)
                seek_again(smuggling);
        }
        bytes = peek_bytes(&cursor);
    }
}

void smtp_smuggling_end(struct smtp_smuggling *smuggling)
{
    if (smuggling->phase == SMTP_BEHIND_FALSE_END && smuggling->ahead_length > 0)
        judge(smuggling);
    smuggling->phase = SMTP_SEEKS_DOT;
}

void smtp_smuggling_lose(struct smtp_smuggling *smuggling)
{
    smuggling->phase = SMTP_SEEKS_DOT;
    smuggling->before[0] = 0xff;
    smuggling->before[1] = 0xff;
    smuggling->has_begun = true;
}

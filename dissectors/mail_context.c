/* mail_context.c - see mail_context.h */
#include "dissectors/mail_context.h"

#include "dissectors/mail_message.h"

void mail_note_limit(struct mail_context *context, const char *what, unsigned limit)
{
    if (context->found_limit)
        return;
    context->found_limit = true;
    conversation_finding(context->conversation, "notice", "smtp_limit", "a mail's %s (limit %u); the rest is not kept", what, limit);
}

void mail_note_oddity(struct mail_context *context, enum mime_oddity oddity)
{
    static const char *const details[MIME_ODDITIES] = {
        [MIME_REPEATED_FIELD] = "Content-Type or Content-Transfer-Encoding stands twice in a block of header fields",
        [MIME_REPEATED_PARAMETER] = "a multipart names several boundaries",
        [MIME_NO_BOUNDARY] = "a multipart names no boundary",
        [MIME_UNKNOWN_ENCODING] = "a transfer encoding is not known",
        [MIME_ENCODED_ENTITY] = "a multipart or a message in the mail says that it is encoded as a whole",
        [MIME_REPEATED_NAME] = "one field gives a file two names",
        [MIME_BEHIND_PADDING] = "base64 goes on behind its padding",
        [MIME_NO_END] = "a multipart has no end",
        [MIME_BROKEN_FOLDING] = "a header field goes on in a line without a space before it",
        [MIME_NO_EMPTY_LINE] = "no empty line stands behind header fields",
    };

    if (oddity == MIME_DEEP_NESTING) {
        mail_note_limit(context, "multiparts are nested too deep, or a boundary is too long", MIME_NESTING_LIMIT);
        return;
    }
    if (context->found_oddity[oddity])
        return;
    context->found_oddity[oddity] = true;
    conversation_finding(context->conversation, "notice", "mail_mime_ambiguous", "in a mail %s; programs read that in different ways",
                         details[oddity]);
}

bool mail_may_begin_file(struct mail_context *context)
{
    if (context->parts == MAIL_PARTS_LIMIT) {
        mail_note_limit(context, "parts are too many", MAIL_PARTS_LIMIT);
        return false;
    }
    context->parts++;
    return true;
}

void mail_finish_file(struct mail_context *context, struct mail_file *file, bool is_whole)
{
    bool is_attachment = file->is_attachment;

    if (mail_file_end(file, context->conversation, context->mail_id, is_whole) && is_attachment)
        context->attachments++;
}

/*
 * plaintext.c - wirescribe, linked so that it also writes what it opened: the application data of each TLS record goes to the
 * file that $PLAINTEXT_FILE names, a line for each: the flow's id, 'client' or 'server', the bytes in hexadecimal.
 *
 * For tests/compare_tshark.py alone. The linker (--wrap) puts these functions before those of their names.
 */
#include "dissectors/conversation.h"
#include "dissectors/tls_opener.h"
#include "dissectors/tls_session.h"

#include <stdio.h>
#include <stdlib.h>

void __real_tls_open_record(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, uint16_t version, struct bytes fragment);
void __wrap_tls_open_record(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, uint16_t version, struct bytes fragment);
bool __real_tls_opener_open(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes fragment, uint8_t *room, struct tls_opened *opened);
bool __wrap_tls_opener_open(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes fragment, uint8_t *room, struct tls_opened *opened);

static FILE *file;
static _Thread_local const struct conversation *speaking; /* whose record is being opened */
static _Thread_local enum side speaker;

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("PLAINTEXT_FILE");

    if (path == NULL)
        return;
    file = fopen(path, "w");
    if (file == NULL)
        abort();
}

static void write_line(struct bytes content)
{
    flockfile(file);
    fprintf(file, "%lld %s ", (long long)conversation_flow(speaking)->flow_id, side_name(speaker));
    for (size_t i = 0; i < content.length; i++)
        fprintf(file, "%02x", content.at[i]);
    putc('\n', file);
    funlockfile(file);
}

void __wrap_tls_open_record(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, uint16_t version, struct bytes fragment)
{
    const struct conversation *before = speaking;
    enum side speaker_before = speaker;

    speaking = conversation;
    speaker = from;
    __real_tls_open_record(conversation, tls, from, type, version, fragment);
    speaking = before; /* one TLS session may be inside another */
    speaker = speaker_before;
}

bool __wrap_tls_opener_open(struct tls_opener *opener, uint8_t type, uint16_t version, struct bytes fragment, uint8_t *room, struct tls_opened *opened)
{
    bool is_open = __real_tls_opener_open(opener, type, version, fragment, room, opened);

    if (is_open && opened->type == TLS_APPLICATION_DATA && file != NULL && speaking != NULL)
        write_line(opened->bytes);
    return is_open;
}

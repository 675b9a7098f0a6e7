/*
 * ssh_encrypted.c - what one side sends behind its NEWKEYS: cut into units by ssh_shape.c, which are then read by those who infer.
 */
#include "dissectors/ssh_session.h"

static void on_unit(struct conversation *conversation, struct ssh *ssh, const struct ssh_unit *unit)
{
    (void)conversation;
    (void)ssh;
    (void)unit;
}

void ssh_encrypted_begin(struct conversation *conversation, struct ssh *ssh, enum side from)
{
    static const enum ssh_list lists[SIDE_COUNT][3] = {
        [FROM_CLIENT] = {SSH_CIPHER_TO_SERVER, SSH_MAC_TO_SERVER, SSH_COMPRESSION_TO_SERVER},
        [FROM_SERVER] = {SSH_CIPHER_TO_CLIENT, SSH_MAC_TO_CLIENT, SSH_COMPRESSION_TO_CLIENT},
    };
    const enum ssh_list *used = lists[from];
    struct ssh_layout layout = ssh_layout_of(text_bytes(&ssh->chosen[used[0]]), text_bytes(&ssh->chosen[used[1]]), text_bytes(&ssh->chosen[used[2]]));

    (void)conversation;
    ssh_shape_begin(&ssh->shape, from, &layout, !ssh->side[from].has_newkeys, ssh->side[from].read_now);
}

void ssh_encrypted_data(struct conversation *conversation, struct ssh *ssh, enum side from, struct bytes bytes)
{
    struct cursor cursor = cursor_over(bytes);
    struct ssh_unit unit;

    while (ssh_shape_take(&ssh->shape, from, &cursor, conversation_now(conversation), &unit))
        on_unit(conversation, ssh, &unit);
}

void ssh_encrypted_gap(struct conversation *conversation, struct ssh *ssh, enum side from, uint64_t count)
{
    struct ssh_unit unit;

    while (ssh_shape_gap(&ssh->shape, from, &count, &unit))
        on_unit(conversation, ssh, &unit);
}

static void end_side(struct conversation *conversation, struct ssh *ssh, enum side from)
{
    struct ssh_unit unit;

    while (ssh_shape_end(&ssh->shape, from, &unit))
        on_unit(conversation, ssh, &unit);
}

void ssh_encrypted_end(struct conversation *conversation, struct ssh *ssh, enum side from, enum ending ending)
{
    (void)ending;
    end_side(conversation, ssh, from);
}

static void fill_bytes(const struct ssh *ssh, struct ssh_session *row)
{
    uint64_t payload;

    if (ssh_shape_payload(&ssh->shape, FROM_CLIENT, &payload))
        row->bytes_up = record_integer((int64_t)payload);
    if (ssh_shape_payload(&ssh->shape, FROM_SERVER, &payload))
        row->bytes_down = record_integer((int64_t)payload);
}

void ssh_encrypted_fill(struct conversation *conversation, struct ssh *ssh, struct ssh_session *row)
{
    (void)conversation;
    fill_bytes(ssh, row);
}

void ssh_encrypted_finish(struct conversation *conversation, struct ssh *ssh)
{
    end_side(conversation, ssh, FROM_CLIENT);
    end_side(conversation, ssh, FROM_SERVER);
}

void ssh_encrypted_close(struct ssh *ssh)
{
    (void)ssh;
}

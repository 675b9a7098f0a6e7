/*
 * ssh_encrypted.c - what one side sends behind its NEWKEYS.
 */
#include "dissectors/ssh_session.h"

void ssh_encrypted_begin(struct conversation *conversation, struct ssh *ssh, enum side from)
{
    (void)conversation;
    (void)ssh;
    (void)from;
}

void ssh_encrypted_data(struct conversation *conversation, struct ssh *ssh, enum side from, struct bytes bytes)
{
    (void)conversation;
    (void)ssh;
    (void)from;
    (void)bytes;
}

void ssh_encrypted_gap(struct conversation *conversation, struct ssh *ssh, enum side from, uint64_t count)
{
    (void)conversation;
    (void)ssh;
    (void)from;
    (void)count;
}

void ssh_encrypted_end(struct conversation *conversation, struct ssh *ssh, enum side from, enum ending ending)
{
    (void)conversation;
    (void)ssh;
    (void)from;
    (void)ending;
}

void ssh_encrypted_fill(struct conversation *conversation, struct ssh *ssh, struct ssh_session *row)
{
    (void)conversation;
    (void)ssh;
    (void)row;
}

void ssh_encrypted_finish(struct conversation *conversation, struct ssh *ssh)
{
    (void)conversation;
    (void)ssh;
}

void ssh_encrypted_close(struct ssh *ssh)
{
    (void)ssh;
}

/* rc4.c - see rc4.h (RFC 6229 has its test vectors) */
#include "dissectors/rc4.h"

static void swap(struct rc4 *rc4)
{
    uint8_t kept = rc4->state[rc4->i];

    rc4->state[rc4->i] = rc4->state[rc4->j];
    rc4->state[rc4->j] = kept;
}

void rc4_begin(struct rc4 *rc4, struct bytes key)
{
    *rc4 = (struct rc4){.i = 0};
    for (unsigned i = 0; i < sizeof rc4->state; i++)
        rc4->state[i] = (uint8_t)i;
    for (unsigned i = 0; key.length > 0 && i < sizeof rc4->state; i++) {
        rc4->i = (uint8_t)i;
        rc4->j = (uint8_t)(rc4->j + rc4->state[i] + key.at[i % key.length]);
        swap(rc4);
    }
    rc4->i = 0;
    rc4->j = 0;
}

void rc4_apply(struct rc4 *rc4, uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at++) {
        rc4->i++;
        rc4->j = (uint8_t)(rc4->j + rc4->state[rc4->i]);
        swap(rc4);
        bytes[at] ^= rc4->state[(uint8_t)(rc4->state[rc4->i] + rc4->state[rc4->j])];
    }
}

/*
 * secrets.h - the decryption secrets that pcapng files hold, handed on by the capture stage: before the first packet where that can be,
 * for a file may keep them behind the packets that they open.
 */
#ifndef WIRESCRIBE_CAPTURE_SECRETS_H
#define WIRESCRIBE_CAPTURE_SECRETS_H

#include "capture/capture.h"
#include "capture/format.h"

/* So far of a file, uncompressed, secrets are looked for before its packets are read; those behind come when they are met. */
#define SECRETS_AHEAD_BYTES (512u << 20)

/* Hands on the secrets of a file that can be read twice. True where all of them are known now; also where it is none that can hold secrets. */
bool secrets_look_ahead(const struct capture_options *options, const char *path);

/* The same of one block, met among the packets: what is not understood is counted. */
void secrets_take(const struct capture_options *options, struct capture_totals *totals, uint32_t kind, struct bytes secrets);

#endif

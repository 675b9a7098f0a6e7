/*
 * extract.h - writes chosen records of capture files out again as a capture, byte for byte.
 *
 * Where all files are classic pcap of one byte order, precision and link type, the output is such a file; else it is pcapng, in
 * which the blocks of pcapng files stand as they are (with the sections, interfaces, names and decryption secrets that they lean
 * on), and a section is made for each classic file.
 */
#ifndef WIRESCRIBE_CAPTURE_EXTRACT_H
#define WIRESCRIBE_CAPTURE_EXTRACT_H

#include "base/evidence.h"

#include <stdio.h>

struct extract_result {
    uint64_t packets;
    bool is_pcapng;
};

/*
 * Files whose path does not exist are looked for by their name in `folder` (NULL: nowhere else). False with an error logged: a
 * file is gone, is not the one that was read, or `out` cannot be written.
 */
bool extract_packets(struct evidence *evidence, const char *folder, FILE *out, struct extract_result *result);

#endif

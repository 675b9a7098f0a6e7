/*
 * fuzz.h - the fuzz targets, in one program: libFuzzer, AFL++ and the replay of `make check` run the same functions.
 */
#ifndef WIRESCRIBE_TESTS_FUZZ_FUZZ_H
#define WIRESCRIBE_TESTS_FUZZ_FUZZ_H

#include "base/bytes.h"
#include "base/flow.h"

/* What holds whatever the input is. Ends the program where it does not. */
#define ALWAYS(CONDITION) ((CONDITION) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #CONDITION))
_Noreturn void fuzz_fail(const char *file, int line, const char *text);

struct fuzz_target {
    const char *name;
    void (*run)(struct bytes input);
};

/* NULL-terminated by an empty name. */
extern const struct fuzz_target fuzz_targets[];

/* The target of that name, or NULL. */
const struct fuzz_target *fuzz_find(const char *name, size_t length);

/* Checks a row as the store would get it: it must fit a batch, and its texts must be valid UTF-8. */
void fuzz_write_row(void *context, const struct record_table *table, const void *record);

int64_t fuzz_next_id(void *context, enum id_kind kind);

/* dialogues.c: what two sides say, through the dissectors. */
void fuzz_smtp(struct bytes input);
void fuzz_ssh(struct bytes input);
void fuzz_http(struct bytes input);
void fuzz_websocket(struct bytes input);
void fuzz_http2(struct bytes input);
void fuzz_rdp(struct bytes input);
void fuzz_ftp(struct bytes input);
void fuzz_tls(struct bytes input);

/* packets.c: frames of every link type; fragments. */
void fuzz_decode(struct bytes input);
void fuzz_fragments(struct bytes input);

/* segments.c: TCP segments of both sides. */
void fuzz_reassembly(struct bytes input);

/* captures.c: whole files. */
void fuzz_capture(struct bytes input);

#endif

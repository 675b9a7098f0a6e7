/* known_certificates.c - see known_certificates.h */
#include "dissectors/known_certificates.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Those that were shown last stand first. */
struct row {
    struct certificate *places[KNOWN_CERTIFICATES_A_ROW]; /* owned; NULL: empty */
};

struct known_certificates {
    struct row rows[KNOWN_CERTIFICATES_ROWS];
};

struct known_certificates *known_certificates_new(void)
{
    return memory_new_zeroed(1, sizeof(struct known_certificates));
}

static void forget(struct certificate *certificate)
{
    if (certificate != NULL)
        certificate_free(certificate);
    memory_free(certificate);
}

void known_certificates_free(struct known_certificates *known)
{
    for (size_t row = 0; known != NULL && row < KNOWN_CERTIFICATES_ROWS; row++) {
        for (size_t place = 0; place < KNOWN_CERTIFICATES_A_ROW; place++)
            forget(known->rows[row].places[place]);
    }
    memory_free(known);
}

static struct row *row_of(struct known_certificates *known, const char sha256[DIGEST_HEX_SIZE])
{
    const char letters[] = {sha256[0], sha256[1], '\0'};

    return &known->rows[strtoul(letters, NULL, 16) % KNOWN_CERTIFICATES_ROWS];
}

/* Puts one in front of those before this place. */
static void put_first(struct row *row, size_t place, struct certificate *certificate)
{
    memmove(&row->places[1], &row->places[0], place * sizeof row->places[0]);
    row->places[0] = certificate;
}

static const struct certificate *find(struct row *row, const char sha256[DIGEST_HEX_SIZE])
{
    for (size_t place = 0; place < KNOWN_CERTIFICATES_A_ROW && row->places[place] != NULL; place++) {
        if (strcmp(row->places[place]->sha256, sha256) == 0) {
            put_first(row, place, row->places[place]);
            return row->places[0];
        }
    }
    return NULL;
}

static void keep(struct row *row, const struct certificate *certificate)
{
    struct certificate *kept;

    if (certificate->names.length > KNOWN_CERTIFICATE_NAMES || (kept = memory_new(sizeof *kept)) == NULL)
        return;
    *kept = certificate_empty();
    certificate_copy(certificate, kept);
    forget(row->places[KNOWN_CERTIFICATES_A_ROW - 1]);
    put_first(row, KNOWN_CERTIFICATES_A_ROW - 1, kept);
}

bool known_certificates_read(struct known_certificates *known, struct bytes encoded, struct certificate *certificate)
{
    char sha256[DIGEST_HEX_SIZE];
    const struct certificate *before;
    struct digest digest;
    struct row *row;

    if (known == NULL || certificate->key.limit > 0) /* of one that is kept, the key is not */
        return certificate_read(encoded, certificate);
    digest_begin(&digest, DIGEST_SHA256);
    digest_add(&digest, encoded);
    if (!digest_end_hex(&digest, sha256))
        return certificate_read(encoded, certificate);
    row = row_of(known, sha256);
    before = find(row, sha256);
    if (before != NULL) {
        certificate_copy(before, certificate);
        return true;
    }
    if (!certificate_read(encoded, certificate))
        return false;
    keep(row, certificate);
    return true;
}

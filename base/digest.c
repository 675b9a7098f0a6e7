/* digest.c - see digest.h */
#include "base/digest.h"

#include <openssl/evp.h>
#include <threads.h>

#define KINDS (DIGEST_SHA256 + 1)

/* Looked up once: it costs more than the digest of a short text. */
static EVP_MD *digests[KINDS];
static once_flag digests_once = ONCE_FLAG_INIT;

static void find_digests(void)
{
    static const char *const names[KINDS] = {[DIGEST_MD5] = "MD5", [DIGEST_SHA1] = "SHA1", [DIGEST_SHA256] = "SHA256"};

    for (int kind = 0; kind < KINDS; kind++)
        digests[kind] = EVP_MD_fetch(NULL, names[kind], NULL);
}

static const EVP_MD *digest_of(enum digest_kind kind)
{
    call_once(&digests_once, find_digests);
    return digests[kind];
}

void digest_begin(struct digest *digest, enum digest_kind kind)
{
    const EVP_MD *md = digest_of(kind);
    EVP_MD_CTX *context = md != NULL ? EVP_MD_CTX_new() : NULL;

    if (context != NULL && EVP_DigestInit_ex(context, md, NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    digest->context = context;
}

void digest_add(struct digest *digest, struct bytes more)
{
    if (digest->context == NULL || more.length == 0)
        return;
    if (EVP_DigestUpdate(digest->context, more.at, more.length) != 1)
        digest_drop(digest);
}

void digest_drop(struct digest *digest)
{
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
}

/* The digest's length, 0 where it could not be computed. */
static unsigned digest_end(struct digest *digest, uint8_t bytes[EVP_MAX_MD_SIZE])
{
    unsigned length = 0;

    if (digest->context != NULL && EVP_DigestFinal_ex(digest->context, bytes, &length) != 1)
        length = 0;
    digest_drop(digest);
    return length <= DIGEST_BYTES_LIMIT ? length : 0;
}

bool digest_end_hex(struct digest *digest, char hex[DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned length = digest_end(digest, bytes);

    for (unsigned i = 0; i < length; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * length] = '\0';
    return length > 0;
}

bool digest_end_base64(struct digest *digest, bool is_padded, char base64[DIGEST_BASE64_SIZE])
{
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned length = digest_end(digest, bytes);
    int written = EVP_EncodeBlock((unsigned char *)base64, bytes, (int)length);

    while (!is_padded && written > 0 && base64[written - 1] == '=')
        written--;
    base64[written] = '\0';
    return length > 0;
}

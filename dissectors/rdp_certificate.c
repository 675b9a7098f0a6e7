/*
 * rdp_certificate.c - the X.509 chain in the server's security data, [MS-RDPELE] 2.2.1.4.2.
 *
 * Leaves out: everything but the subject of the server's own certificate, which
 * stands last in the chain; nothing is verified.
 */
#include "dissectors/rdp_record.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

static bool append_subject(struct bytes encoded, struct text *subject)
{
    const unsigned char *at = encoded.at;
    X509 *certificate = d2i_X509(NULL, &at, (long)encoded.length);
    BIO *out = BIO_new(BIO_s_mem());
    char *shown;
    long length;

    /* letters beyond ASCII stay UTF-8; what is none of it the store escapes */
    if (certificate != NULL && out != NULL &&
        X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
        length = BIO_get_mem_data(out, &shown);
        if (length > 0)
            text_append(subject, bytes_of(shown, (size_t)length));
    }
    BIO_free(out);
    X509_free(certificate);
    ERR_clear_error();
    return certificate != NULL;
}

bool rdp_read_certificate_subject(struct cursor *chain, struct text *subject)
{
    uint32_t count = take_u32_le(chain);
    struct bytes last = {.at = NULL, .length = 0};

    for (; count > 0 && cursor_is_good(chain); count--)
        last = take_bytes(chain, take_u32_le(chain));
    return cursor_is_good(chain) && last.length > 0 && append_subject(last, subject);
}

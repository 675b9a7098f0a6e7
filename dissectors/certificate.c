/*
 * certificate.c - see certificate.h
 */
#include "dissectors/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

/* What stays as it is: letters beyond ASCII. */
#define NAME_FLAGS (XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)

static void append_name(const X509_NAME *name, struct text *shown_as)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *shown;

    if (out != NULL && X509_NAME_print_ex(out, name, 0, NAME_FLAGS) >= 0) {
        long length = BIO_get_mem_data(out, &shown);

        if (length > 0)
            text_append(shown_as, bytes_of(shown, (size_t)length));
    }
    BIO_free(out);
}

bool certificate_read(struct bytes encoded, struct certificate *certificate)
{
    const unsigned char *at = encoded.at;
    X509 *read = encoded.length > 0 ? d2i_X509(NULL, &at, (long)encoded.length) : NULL;

    if (read != NULL) {
        append_name(X509_get_subject_name(read), &certificate->subject);
        certificate->is_self_signed = X509_NAME_cmp(X509_get_subject_name(read), X509_get_issuer_name(read)) == 0;
    }
    X509_free(read);
    ERR_clear_error();
    return read != NULL;
}

void certificate_free(struct certificate *certificate)
{
    text_free(&certificate->subject);
}

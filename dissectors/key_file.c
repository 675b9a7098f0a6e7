/* key_file.c - see key_file.h */
#include "dissectors/key_file.h"

#include "base/log.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

char *key_file_read(const char *path, const char *recipe, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = file != NULL ? OPENSSL_zalloc(KEY_FILE_LIMIT + 1) : NULL;
    bool is_read;

    if (text == NULL) {
        log_error("cannot read the key %s: %s; %s", path, strerror(errno), recipe);
        if (file != NULL)
            fclose(file);
        return NULL;
    }
    errno = 0;
    *length = fread(text, 1, KEY_FILE_LIMIT, file);
    is_read = ferror(file) == 0;
    if (!is_read)
        log_error("cannot read the key %s: %s; %s", path, strerror(errno), recipe);
    else if (fgetc(file) != EOF)
        log_error("%s is longer than %d bytes and no key; %s", path, KEY_FILE_LIMIT, recipe);
    is_read = is_read && feof(file) != 0;
    fclose(file);
    if (is_read)
        return text;
    key_file_free(text);
    return NULL;
}

void key_file_free(char *text)
{
    if (text != NULL)
        OPENSSL_clear_free(text, KEY_FILE_LIMIT + 1);
}

static int no_passphrase(char *room, int size, int is_writing, void *asked)
{
    (void)room;
    (void)size;
    (void)is_writing;
    *(bool *)asked = true;
    return -1;
}

EVP_PKEY *key_file_rsa(const char *text, size_t length, const char *path, const char *recipe)
{
    bool asked = false;
    BIO *in = BIO_new_mem_buf(text, (int)length);
    EVP_PKEY *key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &asked) : NULL;

    if (asked)
        log_error("the key in %s is encrypted; decrypt it first, as with `openssl rsa -in %s`; %s", path, path, recipe);
    else if (key == NULL)
        log_error("%s holds no private key in PEM that can be read; %s", path, recipe);
    else if (EVP_PKEY_is_a(key, "RSA") != 1)
        log_error("the key in %s is not RSA's; %s", path, recipe);
    if (key != NULL && (asked || EVP_PKEY_is_a(key, "RSA") != 1)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    BIO_free(in);
    ERR_clear_error();
    return key;
}

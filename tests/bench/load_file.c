/* The files that a load carries, and their digests: one line each, "SHA-256  SIZE  NAME", for who reads the load to be compared with. */
#define _GNU_SOURCE 1

#include "load.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static FILE *list;
static const char *list_path;

void files_open(const char *path)
{
    list_path = path;
    list = fopen(path, "w");
    if (list == NULL)
        fail("%s: %s", path, strerror(errno));
}

void files_close(void)
{
    if (list != NULL && fclose(list) != 0)
        fail("%s: %s", list_path, strerror(errno));
    list = NULL;
}

void file_begin(struct file *file, const char *name)
{
    *file = (struct file){.size = 0};
    snprintf(file->name, sizeof file->name, "%s", name);
    if (list == NULL)
        return;
    file->digest = EVP_MD_CTX_new();
    if (file->digest == NULL || EVP_DigestInit_ex(file->digest, EVP_sha256(), NULL) != 1)
        fail("SHA-256 cannot be computed");
}

void file_add(struct file *file, const uint8_t *bytes, size_t length)
{
    file->size += length;
    if (file->digest != NULL && EVP_DigestUpdate(file->digest, bytes, length) != 1)
        fail("SHA-256 cannot be computed");
}

void file_end(struct file *file)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (file->digest == NULL)
        return;
    if (EVP_DigestFinal_ex(file->digest, digest, &length) != 1)
        fail("SHA-256 cannot be computed");
    EVP_MD_CTX_free(file->digest);
    file->digest = NULL;
    for (unsigned index = 0; index < length; index++)
        fprintf(list, "%02x", digest[index]);
    fprintf(list, "  %" PRIu64 "  %s\n", file->size, file->name);
}

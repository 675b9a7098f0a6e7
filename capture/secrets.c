/* secrets.c - see secrets.h */
#include "capture/secrets.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_secrets(void *context, uint32_t kind, struct bytes secrets)
{
    const struct capture_options *options = context;

    if (kind == SECRETS_TLS_KEY_LOG)
        options->secrets(options->context, secrets, true);
}

bool secrets_look_ahead(const struct capture_options *options, const char *path)
{
    struct format format;
    struct stat status;
    struct reader *reader;
    bool are_known;

    if (options->secrets == NULL)
        return true;
    if (strcmp(path, "-") == 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false; /* a pipe can be read only once */
    reader = access(path, R_OK) == 0 ? reader_open(path) : NULL;
    if (reader == NULL)
        return true;
    format_open(&format, reader);
    format.on_secrets = on_secrets;
    format.context = (void *)(uintptr_t)options;
    are_known = format.kind != FORMAT_PCAPNG || pcapng_find_secrets(&format, SECRETS_AHEAD_BYTES);
    format_close(&format);
    reader_close(reader);
    return are_known;
}

void secrets_take(const struct capture_options *options, struct capture_totals *totals, uint32_t kind, struct bytes secrets)
{
    if (options->secrets != NULL && kind == SECRETS_TLS_KEY_LOG)
        options->secrets(options->context, secrets, false);
    else
        totals->secrets_unknown++;
}

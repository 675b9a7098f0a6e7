/* Writes the secrets of every TLS session that a program opens with OpenSSL, as SSLKEYLOGFILE does
 * elsewhere: neither xrdp nor FreeRDP 2 has a setting for it. Loaded by LD_PRELOAD; no header of
 * OpenSSL is needed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*keylog_callback)(const void *ssl, const char *line);

static void write_line(const void *ssl, const char *line)
{
    const char *path = getenv("SSLKEYLOGFILE");
    int file = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    (void)ssl;
    if (file < 0)
        return;
    if (write(file, line, strlen(line)) < 0 || write(file, "\n", 1) < 0)
        _exit(1);
    close(file);
}

void *SSL_new(void *context);

void *SSL_new(void *context)
{
    void *(*original)(void *) = (void *(*)(void *))dlsym(RTLD_NEXT, "SSL_new");
    void (*set_callback)(void *, keylog_callback) = (void (*)(void *, keylog_callback))dlsym(RTLD_NEXT, "SSL_CTX_set_keylog_callback");

    if (set_callback != NULL)
        set_callback(context, write_line);
    return original(context);
}

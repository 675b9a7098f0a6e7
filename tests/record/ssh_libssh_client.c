/*
 * A small SSH client on libssh, for ssh_sessions.sh:
 *   ssh_libssh_client ADDRESS USER CIPHER METHOD [ANSWER...] -- DO [ARGUMENT...]
 * METHOD: publickey (the answers are key files), password, keyboard-interactive; each answer is tried in its turn.
 * DO: command TEXT, put HERE THERE SIZE, get THERE. CIPHER may be '-'. Exit status 0 once logged in and done.
 */
#include <fcntl.h>
#include <libssh/libssh.h>
#include <libssh/sftp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void give_up(ssh_session session, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, ssh_get_error(session));
    exit(1);
}

static int try_key(ssh_session session, const char *path)
{
    ssh_key key;

    if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, &key) != SSH_OK) {
        give_up(session, path);
    }
    int answer = ssh_userauth_try_publickey(session, NULL, key);
    if (answer == SSH_AUTH_SUCCESS) {
        answer = ssh_userauth_publickey(session, NULL, key);
    }
    ssh_key_free(key);
    return answer;
}

static int try_interactive(ssh_session session, const char *text)
{
    int answer = ssh_userauth_kbdint(session, NULL, NULL);

    while (answer == SSH_AUTH_INFO) {
        for (int prompt = 0; prompt < ssh_userauth_kbdint_getnprompts(session); prompt++) {
            ssh_userauth_kbdint_setanswer(session, (unsigned)prompt, text);
        }
        answer = ssh_userauth_kbdint(session, NULL, NULL);
    }
    return answer;
}

static int attempt(ssh_session session, const char *method, const char *text)
{
    if (strcmp(method, "publickey") == 0) {
        return try_key(session, text);
    }
    if (strcmp(method, "password") == 0) {
        return ssh_userauth_password(session, NULL, text);
    }
    return try_interactive(session, text);
}

static void run_command(ssh_session session, const char *text)
{
    char bytes[16384];
    ssh_channel channel = ssh_channel_new(session);

    if (ssh_channel_open_session(channel) != SSH_OK || ssh_channel_request_exec(channel, text) != SSH_OK) {
        give_up(session, "exec");
    }
    while (ssh_channel_read(channel, bytes, sizeof bytes, 0) > 0) {
    }
    ssh_channel_send_eof(channel);
    ssh_channel_close(channel);
    ssh_channel_free(channel);
}

static void move_file(ssh_session session, char **arguments, int is_up)
{
    char bytes[16384];
    ssize_t length;
    sftp_session sftp = sftp_new(session);

    if (sftp == NULL || sftp_init(sftp) != SSH_OK) {
        give_up(session, "sftp");
    }
    sftp_file there = sftp_open(sftp, arguments[is_up ? 2 : 1], is_up ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, S_IRUSR | S_IWUSR);
    if (there == NULL) {
        give_up(session, "open");
    }
    if (is_up) {
        int here = open(arguments[1], O_RDONLY);
        while ((length = read(here, bytes, sizeof bytes)) > 0) {
            if (sftp_write(there, bytes, (size_t)length) != length) {
                give_up(session, "write");
            }
        }
        close(here);
    } else {
        while (sftp_read(there, bytes, sizeof bytes) > 0) {
        }
    }
    sftp_close(there);
    sftp_free(sftp);
}

int main(int count, char **arguments)
{
    int answer = SSH_AUTH_DENIED;
    ssh_session session = ssh_new();

    if (count < 7 || session == NULL) {
        return 2;
    }
    ssh_options_set(session, SSH_OPTIONS_HOST, arguments[1]);
    ssh_options_set(session, SSH_OPTIONS_USER, arguments[2]);
    if (strcmp(arguments[3], "-") != 0) {
        ssh_options_set(session, SSH_OPTIONS_CIPHERS_C_S, arguments[3]);
        ssh_options_set(session, SSH_OPTIONS_CIPHERS_S_C, arguments[3]);
    }
    if (ssh_connect(session) != SSH_OK) {
        give_up(session, "connect");
    }
    ssh_userauth_none(session, NULL);
    char **next = arguments + 5;
    for (; *next != NULL && strcmp(*next, "--") != 0; next++) {
        if (answer != SSH_AUTH_SUCCESS && ssh_is_connected(session)) {
            answer = attempt(session, arguments[4], *next);
        }
    }
    if (*next != NULL && answer == SSH_AUTH_SUCCESS) {
        if (strcmp(next[1], "command") == 0) {
            run_command(session, next[2]);
        } else {
            move_file(session, next + 1, strcmp(next[1], "put") == 0);
        }
    }
    ssh_disconnect(session);
    ssh_free(session);
    return 0;
}

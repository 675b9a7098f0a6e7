/*
 * ssh_auth_rows.c - what was inferred of a login, as columns, events and findings.
 */
#include "base/memory.h"
#include "dissectors/login_failures.h"
#include "dissectors/ssh_session.h"

#include <inttypes.h>
#include <stdio.h>

#define METHODS_LIMIT 1024

const char *ssh_method_name(enum ssh_auth_method method)
{
    switch (method) {
    case SSH_METHOD_NONE:
        return "none";
    case SSH_METHOD_PASSWORD:
        return "password";
    case SSH_METHOD_KEYBOARD:
        return "keyboard-interactive";
    case SSH_METHOD_PUBLICKEY:
        return "publickey";
    case SSH_METHOD_UNKNOWN:
        break;
    }
    return NULL;
}

static bool is_over(const struct ssh_auth *auth)
{
    return auth->state == SSH_AUTH_SUCCEEDED || auth->state == SSH_AUTH_ENDED;
}

/* "none" asks what there is. */
static bool is_attempt(const struct ssh_try *tried)
{
    bool is_judged = tried->outcome == SSH_TRY_ACCEPTED || tried->outcome == SSH_TRY_REFUSED || tried->outcome == SSH_TRY_PARTIAL;

    return is_judged && tried->method != SSH_METHOD_NONE;
}

static bool is_answered(const struct ssh_try *tried)
{
    return tried->outcome != SSH_TRY_UNANSWERED;
}

static const struct ssh_try *last_answered(const struct ssh_auth *auth)
{
    for (uint32_t at = auth->try_count; at > 0; at--) {
        if (is_answered(&auth->tries[at - 1]))
            return &auth->tries[at - 1];
    }
    return NULL;
}

/* ---- columns ---- */

static void list_methods(struct ssh_auth *auth)
{
    auth->methods.limit = METHODS_LIMIT;
    for (uint32_t at = 0; at < auth->try_count; at++) {
        const char *name = ssh_method_name(auth->tries[at].method);

        if (at > 0 && auth->tries[at - 1].outcome == SSH_TRY_OFFER_ACCEPTED && auth->tries[at].is_signed)
            continue;
        if (name == NULL) {
            text_clear(&auth->methods);
            return;
        }
        text_append_item(&auth->methods, ",", bytes_of_text(name));
    }
}

static bool takes_typing(const struct ssh_try *tried)
{
    return tried->method == SSH_METHOD_PASSWORD || tried->method == SSH_METHOD_KEYBOARD;
}

static void fill_typed(const struct ssh_auth *auth, struct ssh_session *row)
{
    int64_t longest = 0;
    bool has_one = false;

    for (uint32_t at = 0; at < auth->try_count; at++) {
        if (!takes_typing(&auth->tries[at]))
            continue;
        has_one = true;
        if (auth->tries[at].waited_us > longest)
            longest = auth->tries[at].waited_us;
    }
    if (longest >= SSH_TYPED_LEAST_US)
        row->auth_typed = record_boolean(true);
    else if (has_one && longest <= SSH_SCRIPTED_MOST_US)
        row->auth_typed = record_boolean(false);
}

static void fill_tries(const struct ssh_auth *auth, struct ssh_session *row, struct text *basis)
{
    const struct ssh_try *last = last_answered(auth);
    int64_t attempts = 0;
    int64_t failures = 0;

    if (last == NULL)
        return;
    for (uint32_t at = 0; at < auth->try_count; at++) {
        attempts += is_attempt(&auth->tries[at]) ? 1 : 0;
        failures += is_attempt(&auth->tries[at]) && auth->tries[at].outcome == SSH_TRY_REFUSED ? 1 : 0;
    }
    row->auth_method = record_text_of(ssh_method_name(last->method));
    row->auth_attempts = record_integer(attempts);
    row->auth_failures = record_integer(failures);
    row->auth_methods = record_text_unless_empty(text_bytes(&auth->methods));
    row->auth_key = record_text_of(last->method == SSH_METHOD_PUBLICKEY ? last->key : NULL);
    fill_typed(auth, row);
    if (row->auth_method.is_known)
        text_append_item(basis, "; ", bytes_of_text("login method: "));
    if (row->auth_method.is_known)
        text_append_text(basis, last->basis);
}

void ssh_auth_fill(const struct ssh_auth *auth, struct ssh_session *row, struct text *basis)
{
    bool server_is_whole = auth->has_begun[FROM_SERVER] && !auth->has_gap[FROM_SERVER] && !auth->is_unreadable;

    if (auth->state == SSH_AUTH_SUCCEEDED) {
        row->auth_result = record_text_of("success");
        text_append_item(basis, "; ", bytes_of_text("login result: the server's first packet of one byte"));
    } else if (auth->state == SSH_AUTH_ENDED && server_is_whole &&
               (auth->is_certain ? last_answered(auth) != NULL : auth->has_request && auth->has_gap[FROM_CLIENT])) {
        row->auth_result = record_text_of("failure");
        text_append_item(basis, "; ", bytes_of_text("login result: ended without a packet of one byte from the server"));
    }
    if (is_over(auth) && auth->is_read && auth->is_certain)
        fill_tries(auth, row, basis);
}

/* ---- events ---- */

static void tell_try(struct conversation *conversation, struct ssh *ssh, const struct ssh_try *tried)
{
    static const char *const kinds[] = {
        [SSH_TRY_UNANSWERED] = "auth_request",   [SSH_TRY_REFUSED] = "auth_failure",  [SSH_TRY_PARTIAL] = "auth_partial",
        [SSH_TRY_OFFER_ACCEPTED] = "auth_offer", [SSH_TRY_ACCEPTED] = "auth_success",
    };
    const char *method = ssh_method_name(tried->method);
    bool asks_methods = tried->method == SSH_METHOD_NONE && tried->outcome == SSH_TRY_REFUSED;
    struct text detail = {.limit = 128};

    text_append_text(&detail, method != NULL ? method : tried->may_be_key ? "password or publickey" : "a method that is not known");
    if (tried->key != NULL)
        text_append_format(&detail, ", %s", tried->key);
    if (tried->outcome == SSH_TRY_OFFER_ACCEPTED)
        text_append_text(&detail, ", offered and accepted");
    ssh_tell_at(conversation, ssh, tried->outcome == SSH_TRY_UNANSWERED ? tried->time_us : tried->answered_us,
                asks_methods ? "auth_methods" : kinds[tried->outcome], text_bytes(&detail), tried->basis);
    text_free(&detail);
}

/* Keys that are offered and refused are no guessing: clients offer all that they have. A connection with nothing else counts once. */
static void count_failures(struct conversation *conversation, const struct ssh_auth *auth)
{
    bool is_first = true;
    bool has_offer = false;

    for (uint32_t at = 0; at < auth->try_count; at++) {
        const struct ssh_try *tried = &auth->tries[at];

        if (tried->outcome != SSH_TRY_REFUSED || tried->method == SSH_METHOD_NONE)
            continue;
        if (tried->method == SSH_METHOD_UNKNOWN || (tried->method == SSH_METHOD_PUBLICKEY && !tried->is_signed)) {
            has_offer = true;
            continue;
        }
        login_failures_refused(conversation, "ssh", is_first);
        is_first = false;
    }
    if (is_first && has_offer && auth->state == SSH_AUTH_ENDED)
        login_failures_refused(conversation, "ssh", true);
}

void ssh_auth_tell(struct conversation *conversation, struct ssh *ssh)
{
    struct ssh_auth *auth = &ssh->auth;

    if (!is_over(auth) || auth->is_told)
        return;
    auth->is_told = true;
    if (auth->is_too_long)
        conversation_finding_once(conversation, "notice", "ssh_limit", "more than %d packets of authentication; it is not read", SSH_AUTH_UNITS);
    ssh_auth_read(ssh, auth);
    if (auth->is_read && auth->is_certain) {
        list_methods(auth);
        if (auth->banner_us != 0)
            ssh_tell_at(conversation, ssh, auth->banner_us, "auth_banner", bytes_of(NULL, 0), "the first answer holds more than FAILURE");
        for (uint32_t at = 0; at < auth->try_count; at++)
            tell_try(conversation, ssh, &auth->tries[at]);
        count_failures(conversation, auth);
    } else if (auth->state == SSH_AUTH_SUCCEEDED) {
        ssh_tell_at(conversation, ssh, auth->success_us, "auth_success", bytes_of(NULL, 0), "the server's first packet of one byte");
    }
    if (auth->state == SSH_AUTH_SUCCEEDED)
        login_failures_accepted(conversation, "ssh", bytes_of(NULL, 0));
    memory_free(auth->units);
    auth->units = NULL;
    auth->count = 0;
    auth->capacity = 0;
}

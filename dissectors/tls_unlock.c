/*
 * tls_unlock.c - opens the records of a TLS session with the secrets that the user gave (RFC 5246, 6.3; RFC 8446, 7), and gives their
 * plaintext to whoever reads it.
 *
 * What protects a side's records, and what changes it:
 *
 *     CLEAR --ChangeCipherSpec--> APPLICATION                                     up to TLS 1.2; each renegotiation once more
 *     CLEAR --ServerHello--> HANDSHAKE --Finished--> APPLICATION --KeyUpdate-->   TLS 1.3
 *       \--ServerHello, 0-RTT offered--> EARLY --EndOfEarlyData, or not accepted--> HANDSHAKE
 *
 * A record is opened or it is not: its tag or MAC decides. A side whose first record of an epoch is not opened has no key that fits, and is told
 * once. Behind lost bytes the record's number is searched for.
 */
#include "base/memory.h"
#include "dissectors/certificate.h"
#include "dissectors/tls_session.h"

/* Records that may be missing at one place, behind which the next one is still looked for. */
#define LOST_RECORDS_LIMIT 1024
/* The least that a record takes on the wire: its header, a tag, and a byte of type. */
#define LEAST_RECORD 22

/* NULL where no secret can be found, now or later. */
static struct tls_secrets *secrets_of(const struct conversation *conversation)
{
    struct tls_secrets *secrets = conversation_recording(conversation)->tls_secrets;

    return tls_secrets_were_given(secrets) || tls_secrets_may_grow(secrets) ? secrets : NULL;
}

/* ---- making openers ---- */

static struct tls_opener *open_before_1_3(const struct conversation *conversation, struct tls *tls, enum side from)
{
    struct tls_keys keys[SIDE_COUNT];

    tls->side[from].lacks_secret = !tls_find_master(conversation, tls);
    if (tls->side[from].lacks_secret)
        return NULL;
    tls->has_secret = true;
    if (!tls_keys_from_master(tls->version, &tls->suite, bytes_of(tls->master, sizeof tls->master), tls->client_random, tls->server_random, keys))
        return NULL;
    return tls_opener_new(tls->version, &tls->suite, &keys[from], tls->encrypts_then_macs);
}

static bool find_traffic_secret(const struct conversation *conversation, const struct tls *tls, enum side from, struct tls_secret *secret)
{
    static const enum tls_secret_label of_handshake[SIDE_COUNT] = {TLS_SECRET_CLIENT_HANDSHAKE, TLS_SECRET_SERVER_HANDSHAKE};
    static const enum tls_secret_label of_application[SIDE_COUNT] = {TLS_SECRET_CLIENT_TRAFFIC, TLS_SECRET_SERVER_TRAFFIC};
    enum tls_epoch epoch = tls->side[from].epoch;
    enum tls_secret_label label = epoch == TLS_EPOCH_EARLY ? TLS_SECRET_CLIENT_EARLY : epoch == TLS_EPOCH_HANDSHAKE ? of_handshake[from] : of_application[from];

    return tls_secrets_find(secrets_of(conversation), label, bytes_of(tls->client_random, TLS_RANDOM_BYTES), secret);
}

static struct tls_opener *open_1_3(const struct conversation *conversation, struct tls *tls, enum side from)
{
    struct tls_secret secret;
    struct tls_keys keys;

    tls->side[from].lacks_secret = !find_traffic_secret(conversation, tls, from, &secret);
    if (tls->side[from].lacks_secret)
        return NULL;
    tls->has_secret = true;
    tls->side[from].traffic = secret;
    if (!tls_keys_from_traffic_secret(&tls->suite, &secret, &keys))
        return NULL;
    return tls_opener_new(TLS_VERSION_1_3, &tls->suite, &keys, false);
}

/* Both hellos are known, and what they agreed on is understood: all that can be wanting is a secret. */
static bool is_understood(const struct tls *tls)
{
    return tls->has_client_hello && tls->has_server_hello && tls->has_cipher && tls->suite.kind != TLS_PROTECTION_UNKNOWN &&
           (tls_is_1_3(tls) || (tls->version >= TLS_VERSION_1_0 && tls->version <= TLS_VERSION_1_2));
}

/* False: no key fits; see lacks_secret. */
static bool make_opener(const struct conversation *conversation, struct tls *tls, enum side from)
{
    struct tls_side *side = &tls->side[from];

    side->lacks_secret = false;
    if (!is_understood(tls))
        return false;
    if (tls->room == NULL && (tls->room = memory_new(TLS_FRAGMENT_LIMIT)) == NULL)
        return false;
    side->opener = tls_is_1_3(tls) ? open_1_3(conversation, tls, from) : open_before_1_3(conversation, tls, from);
    side->is_opened = false;
    return side->opener != NULL;
}

void tls_change_epoch(struct tls *tls, enum side from, enum tls_epoch epoch)
{
    struct tls_side *side = &tls->side[from];

    tls_opener_free(side->opener);
    side->opener = NULL;
    side->is_opened = false;
    side->epoch = epoch;
}

/* RFC 8446, 4.6.3: the records behind the message have the next key. */
void tls_update_key(struct tls *tls, enum side from)
{
    struct tls_side *side = &tls->side[from];
    struct tls_keys keys;

    if (side->opener == NULL || side->epoch != TLS_EPOCH_APPLICATION)
        return;
    tls_opener_free(side->opener);
    side->opener = NULL;
    if (tls_next_traffic_secret(&tls->suite, &side->traffic) && tls_keys_from_traffic_secret(&tls->suite, &side->traffic, &keys))
        side->opener = tls_opener_new(TLS_VERSION_1_3, &tls->suite, &keys, false);
    side->is_locked = side->opener == NULL;
}

void tls_lock(struct tls *tls, enum side from)
{
    struct tls_side *side = &tls->side[from];

    tls_opener_free(side->opener);
    side->opener = NULL;
    side->is_locked = true;
    if (tls->side[side_other(from)].is_locked)
        tls_forget_transcript(tls);
}

bool tls_may_open(const struct conversation *conversation, const struct tls *tls, enum side from)
{
    return (secrets_of(conversation) != NULL || conversation_recording(conversation)->tls_rsa_keys != NULL) && !tls->side[from].is_locked;
}

bool tls_waits_for_hello(const struct tls *tls, enum side from)
{
    return from == FROM_CLIENT && !tls->has_server_hello && tls->side[FROM_SERVER].phase == TLS_BEFORE_HELLO && !tls->server_is_silent;
}

/* ---- what was opened ---- */

/* Whether what was handed over before TLS has a reader for the plaintext of its own. */
static const struct dissector *reader_inside(const struct tls *tls)
{
    return tls->outer != NULL ? tls->outer->inside : NULL;
}

static void begin_inside(struct conversation *conversation, struct tls *tls)
{
    const struct dissector *reader = reader_inside(tls);
    const bool has_start[SIDE_COUNT] = {!tls->has_missing, !tls->has_missing};
    bool moves = reader != NULL && tls->outer->moves_inside;

    tls->inside = conversation_begin_inside(conversation, true, has_start, reader, reader != NULL ? tls->outer : NULL);
    if (tls->inside == NULL)
        tls->inside_is_over = true;
    else if (moves)
        tls->outer = NULL;
}

static void on_plaintext(struct conversation *conversation, struct tls *tls, enum side from, struct bytes bytes)
{
    if (tls->side[from].epoch == TLS_EPOCH_EARLY)
        tls->early_bytes += bytes.length;
    if (bytes.length == 0 || tls->inside_is_over)
        return;
    if (tls->outer != NULL && tls->outer->on_plaintext != NULL) {
        tls->outer->on_plaintext(conversation, tls->outer, from, bytes);
        return;
    }
    if (tls->inside == NULL)
        begin_inside(conversation, tls);
    if (tls->inside != NULL)
        tls->inside_is_over = !conversation_say_inside(tls->inside, from, bytes);
}

static void tell_missing(struct conversation *conversation, struct tls *tls, enum side from, uint64_t count)
{
    if (tls->outer != NULL && tls->outer->on_plaintext != NULL)
        tls->outer->on_missing(conversation, tls->outer, from, count);
    else if (tls->inside != NULL && !tls->inside_is_over)
        tls->inside_is_over = !conversation_miss_inside(tls->inside, from, count < MISSING_UNKNOWN ? count : MISSING_UNKNOWN);
}

static void on_opened_alert(struct conversation *conversation, struct tls *tls, enum side from, struct bytes bytes)
{
    if (!tls_on_alert(tls, cursor_within(bytes)))
        return;
    if (tls->outer != NULL && tls->outer->on_plaintext != NULL)
        tls->outer->on_goodbye(conversation, tls->outer, from);
    else if (tls->inside != NULL)
        conversation_end_inside(tls->inside, from, ENDING_FIN);
}

static void on_opened(struct conversation *conversation, struct tls *tls, enum side from, const struct tls_opened *opened)
{
    switch (opened->type) {
    case TLS_APPLICATION_DATA:
        on_plaintext(conversation, tls, from, opened->bytes);
        break;
    case TLS_HANDSHAKE:
        tls_on_handshake(conversation, tls, from, opened->bytes);
        break;
    case TLS_ALERT:
        on_opened_alert(conversation, tls, from, opened->bytes);
        break;
    case TLS_CHANGE_CIPHER_SPEC: /* a renegotiation's */
        tls_change_epoch(tls, from, TLS_EPOCH_APPLICATION);
        break;
    default:
        break;
    }
}

/* ---- records ---- */

/* Behind lost bytes: the record's number is one of those that the bytes can have held. */
static bool find_place(struct tls *tls, struct tls_side *side, uint8_t type, uint16_t version, struct bytes fragment, struct tls_opened *opened)
{
    uint64_t most = side->lost_bytes / LEAST_RECORD + 1;

    if (side->lost_bytes == 0 || !tls_opener_survives_loss(side->opener))
        return false;
    if (most > LOST_RECORDS_LIMIT)
        most = LOST_RECORDS_LIMIT;
    for (uint64_t skipped = 1; skipped <= most; skipped++) {
        tls_opener_skip(side->opener, 1);
        if (tls_opener_open(side->opener, type, version, fragment, tls->room, opened))
            return true;
    }
    return false;
}

/* Early data that the server did not accept, or for which there is no secret, stands before what the handshake's keys open. */
static bool may_be_early(const struct tls *tls, enum side from)
{
    return from == FROM_CLIENT && tls->offers_early_data && !tls->side[from].is_opened && tls->side[from].epoch <= TLS_EPOCH_HANDSHAKE;
}

static void tell_key(struct conversation *conversation, struct tls *tls, const char *severity, const char *name, const char *detail, enum side from)
{
    if (tls->told_key)
        return;
    tls->told_key = true;
    conversation_finding(conversation, severity, name, detail, side_name(from));
}

static void give_up(struct conversation *conversation, struct tls *tls, enum side from)
{
    if (tls->side[from].opened_any)
        tell_key(conversation, tls, "warning", "tls_record_not_opened", "a record from the %s does not fit the keys that opened those before it; what follows is not read",
                 from);
    else
        tell_key(conversation, tls, "warning", "tls_wrong_key", "the secrets that were given for this session do not open what the %s sent", from);
    tls_lock(tls, from);
}

/* No key is there: what is wanting, in one sentence. Without any keys given, or without the hellos, there is nothing to tell. */
static void lock_without_key(struct conversation *conversation, struct tls *tls, enum side from)
{
    if (tls_has_keys(conversation) && tls->side[from].lacks_secret) {
        if (tls->premaster_state == TLS_PREMASTER_REFUSED)
            tell_key(conversation, tls, "warning", "tls_wrong_key", "the server's private key that was given does not open what the client encrypted for it; the %s's records stay shut",
                     from);
        else if (tls->premaster_state == TLS_PREMASTER_OPENED)
            tell_key(conversation, tls, "warning", "tls_key_missing", "the premaster secret is there, the handshake's messages are not, of which the master secret is made; the %s's records stay shut",
                     from);
        else if (tls->premaster_state == TLS_PREMASTER_NO_KEY && !tls_secrets_were_given(conversation_recording(conversation)->tls_secrets))
            tell_key(conversation, tls, "info", "tls_key_missing", "none of the private keys that were given is the server's; what the %s sent stays shut", from);
        else
            tell_key(conversation, tls, "info", "tls_key_missing", "the keys that were given have no secret for what the %s sent", from);
    } else if (tls_has_keys(conversation) && tls->has_client_hello && tls->has_server_hello && !is_understood(tls)) {
        tell_key(conversation, tls, "info", "tls_not_opened", "records of this version and cipher suite are not opened, whatever keys there are; the first is the %s's", from);
    }
    tls_lock(tls, from);
}

/* A secret may yet come. Of early data none does that was not there before those of the handshake. */
static bool may_wait(const struct conversation *conversation, const struct tls *tls, enum side from)
{
    struct tls_secrets *secrets = secrets_of(conversation);
    struct tls_secret found;

    if (tls->waits_no_more || !tls->side[from].lacks_secret || !tls_secrets_may_grow(secrets))
        return false;
    return tls->side[from].epoch != TLS_EPOCH_EARLY ||
           !tls_secrets_find(secrets, TLS_SECRET_SERVER_HANDSHAKE, bytes_of(tls->client_random, TLS_RANDOM_BYTES), &found);
}

bool tls_open_now(struct conversation *conversation, struct tls *tls, enum side from, uint8_t type, uint16_t version, struct bytes fragment)
{
    struct tls_side *side = &tls->side[from];
    struct tls_opened opened;

    if (side->is_locked)
        return true;
    if (side->opener == NULL && !make_opener(conversation, tls, from)) {
        if (may_wait(conversation, tls, from))
            return false;
        if (side->epoch != TLS_EPOCH_EARLY && !tls->is_retried)
            lock_without_key(conversation, tls, from);
        return true;
    }
    if (!tls_opener_open(side->opener, type, version, fragment, tls->room, &opened) && !find_place(tls, side, type, version, fragment, &opened)) {
        if (!may_be_early(tls, from))
            give_up(conversation, tls, from);
        return true;
    }
    if (side->lost_bytes > 0)
        tell_missing(conversation, tls, from, side->lost_bytes);
    side->lost_bytes = 0;
    side->is_opened = true;
    side->opened_any = true;
    on_opened(conversation, tls, from, &opened);
    return true;
}

void tls_lose_now(struct tls *tls, enum side from, uint64_t count)
{
    struct tls_side *side = &tls->side[from];

    side->lost_bytes += count;
    text_free(&side->messages);
    side->message_left = 0;
    if (side->opener != NULL && !tls_opener_survives_loss(side->opener))
        tls_lock(tls, from);
}

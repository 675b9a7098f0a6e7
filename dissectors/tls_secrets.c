/*
 * tls_secrets.c - see tls_secrets.h. A hash table with open addresses, at most three quarters full. It is no flow's memory: the plain allocator
 * is used, and one lock guards it; what every record asks for is read without it.
 */
#include "dissectors/tls_secrets.h"

#include "base/cursor.h"
#include "base/seed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIRST_CAPACITY 64

struct entry {
    bool is_taken;
    uint8_t label;
    uint8_t key_length;
    uint8_t key[TLS_RANDOM_BYTES];
    struct tls_secret secret;
};

struct tls_secrets {
    pthread_mutex_t lock;  /* of the table */
    struct entry *entries; /* owned; `capacity` of them, a power of two */
    size_t capacity;
    uint64_t seed;
    atomic_size_t count;
    atomic_bool are_given;
    atomic_bool has_premaster;
    atomic_bool may_grow;
    struct tls_feeder feeder; /* constant once the workers run */
};

struct tls_secrets *tls_secrets_new(void)
{
    struct tls_secrets *secrets = calloc(1, sizeof *secrets);

    if (secrets == NULL)
        return NULL;
    if (pthread_mutex_init(&secrets->lock, NULL) != 0) {
        free(secrets);
        return NULL;
    }
    secrets->seed = seed_new();
    return secrets;
}

void tls_secrets_free(struct tls_secrets *secrets)
{
    if (secrets == NULL)
        return;
    pthread_mutex_destroy(&secrets->lock);
    free(secrets->entries);
    free(secrets);
}

size_t tls_secrets_count(const struct tls_secrets *secrets)
{
    return atomic_load(&secrets->count);
}

void tls_secrets_set_given(struct tls_secrets *secrets)
{
    atomic_store(&secrets->are_given, true);
}

bool tls_secrets_were_given(const struct tls_secrets *secrets)
{
    return secrets != NULL && (atomic_load(&secrets->are_given) || atomic_load(&secrets->count) > 0);
}

bool tls_secrets_have_premaster(const struct tls_secrets *secrets)
{
    return secrets != NULL && (atomic_load(&secrets->has_premaster) || atomic_load(&secrets->may_grow));
}

void tls_secrets_set_growing(struct tls_secrets *secrets, bool may_grow)
{
    atomic_store(&secrets->may_grow, may_grow);
}

bool tls_secrets_may_grow(const struct tls_secrets *secrets)
{
    return secrets != NULL && atomic_load(&secrets->may_grow);
}

void tls_secrets_set_feeder(struct tls_secrets *secrets, struct tls_feeder feeder)
{
    secrets->feeder = feeder;
}

void tls_secrets_ask(struct tls_secrets *secrets, bool is_last)
{
    if (secrets != NULL && secrets->feeder.feed != NULL)
        secrets->feeder.feed(secrets->feeder.context, secrets, is_last);
}

/* ---- the table ---- */

static struct entry *place_of(struct entry *entries, size_t capacity, uint64_t seed, uint8_t label, struct bytes key)
{
    size_t at = XXH3_64bits_withSeed(key.at, key.length, seed ^ label) & (capacity - 1);

    while (entries[at].is_taken && (entries[at].label != label || !bytes_equal(bytes_of(entries[at].key, entries[at].key_length), key)))
        at = (at + 1) & (capacity - 1);
    return &entries[at];
}

static bool make_room(struct tls_secrets *secrets)
{
    size_t capacity = secrets->capacity == 0 ? FIRST_CAPACITY : 2 * secrets->capacity;
    struct entry *entries;

    if (atomic_load(&secrets->count) + 1 <= secrets->capacity / 4 * 3)
        return true;
    entries = calloc(capacity, sizeof *entries);
    if (entries == NULL)
        return false;
    for (size_t i = 0; i < secrets->capacity; i++) {
        const struct entry *entry = &secrets->entries[i];

        if (entry->is_taken)
            *place_of(entries, capacity, secrets->seed, entry->label, bytes_of(entry->key, entry->key_length)) = *entry;
    }
    free(secrets->entries);
    secrets->entries = entries;
    secrets->capacity = capacity;
    return true;
}

static enum tls_secret_line add_locked(struct tls_secrets *secrets, enum tls_secret_label label, struct bytes key, struct bytes secret)
{
    struct entry *entry;
    bool is_same;

    if (!make_room(secrets))
        return TLS_LINE_REFUSED;
    entry = place_of(secrets->entries, secrets->capacity, secrets->seed, (uint8_t)label, key);
    is_same = entry->is_taken && bytes_equal(bytes_of(entry->secret.bytes, entry->secret.length), secret);
    if (is_same)
        return TLS_LINE_KNOWN;
    if (!entry->is_taken && atomic_load(&secrets->count) == TLS_SECRETS_LIMIT)
        return TLS_LINE_REFUSED;
    if (!entry->is_taken)
        atomic_fetch_add(&secrets->count, 1);
    *entry = (struct entry){.is_taken = true, .label = (uint8_t)label, .key_length = (uint8_t)key.length, .secret.length = (uint8_t)secret.length};
    memcpy(entry->key, key.at, key.length);
    memcpy(entry->secret.bytes, secret.at, secret.length);
    return TLS_LINE_ADDED;
}

static enum tls_secret_line add(struct tls_secrets *secrets, enum tls_secret_label label, struct bytes key, struct bytes secret)
{
    enum tls_secret_line line;

    if (label == TLS_SECRET_PREMASTER || label == TLS_SECRET_OF_ENCRYPTED)
        atomic_store(&secrets->has_premaster, true);
    pthread_mutex_lock(&secrets->lock);
    line = add_locked(secrets, label, key, secret);
    pthread_mutex_unlock(&secrets->lock);
    return line;
}

bool tls_secrets_find(struct tls_secrets *secrets, enum tls_secret_label label, struct bytes key, struct tls_secret *found)
{
    bool is_found = false;

    if (secrets == NULL || key.length > TLS_RANDOM_BYTES || atomic_load(&secrets->count) == 0)
        return false;
    pthread_mutex_lock(&secrets->lock);
    if (secrets->capacity > 0) {
        const struct entry *entry = place_of(secrets->entries, secrets->capacity, secrets->seed, (uint8_t)label, key);

        is_found = entry->is_taken;
        if (is_found)
            *found = entry->secret;
    }
    pthread_mutex_unlock(&secrets->lock);
    return is_found;
}

/* ---- lines ---- */

struct named_label {
    const char *name;
    enum tls_secret_label label;
    uint8_t key_length;   /* bytes; 0: 1 to 32 */
    uint8_t least_secret; /* bytes */
    uint8_t most_secret;
};

static const struct named_label labels[] = {
    {"CLIENT_RANDOM", TLS_SECRET_MASTER, TLS_RANDOM_BYTES, 48, 48},
    {"PMS_CLIENT_RANDOM", TLS_SECRET_PREMASTER, TLS_RANDOM_BYTES, 1, TLS_SECRET_BYTES},
    {"CLIENT_EARLY_TRAFFIC_SECRET", TLS_SECRET_CLIENT_EARLY, TLS_RANDOM_BYTES, 32, 48},
    {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", TLS_SECRET_CLIENT_HANDSHAKE, TLS_RANDOM_BYTES, 32, 48},
    {"SERVER_HANDSHAKE_TRAFFIC_SECRET", TLS_SECRET_SERVER_HANDSHAKE, TLS_RANDOM_BYTES, 32, 48},
    {"CLIENT_TRAFFIC_SECRET_0", TLS_SECRET_CLIENT_TRAFFIC, TLS_RANDOM_BYTES, 32, 48},
    {"SERVER_TRAFFIC_SECRET_0", TLS_SECRET_SERVER_TRAFFIC, TLS_RANDOM_BYTES, 32, 48},
};

static int hex_digit(uint8_t letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Bytes written in hexadecimal. False where it is not that, or longer than `most`. */
static bool read_hex(struct bytes text, uint8_t *bytes, size_t most, size_t *length)
{
    struct cursor digits = cursor_within(text);

    if (text.length == 0 || text.length % 2 != 0 || text.length / 2 > most)
        return false;
    for (*length = 0; *length < text.length / 2; (*length)++) {
        int high = hex_digit(take_u8(&digits));
        int low = hex_digit(take_u8(&digits));

        if (high < 0 || low < 0)
            return false;
        bytes[*length] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum tls_secret_line add_hex(struct tls_secrets *secrets, const struct named_label *label, struct bytes key_text, struct bytes secret_text)
{
    uint8_t key[TLS_RANDOM_BYTES];
    uint8_t secret[TLS_SECRET_BYTES];
    size_t key_length;
    size_t secret_length;

    if (!read_hex(key_text, key, sizeof key, &key_length) || !read_hex(secret_text, secret, sizeof secret, &secret_length))
        return TLS_LINE_INVALID;
    if ((label->key_length != 0 && key_length != label->key_length) || secret_length < label->least_secret || secret_length > label->most_secret)
        return TLS_LINE_INVALID;
    return add(secrets, label->label, bytes_of(key, key_length), bytes_of(secret, secret_length));
}

/* "RSA Session-ID:HEX Master-Key:HEX", or "RSA HEX HEX": the older forms. */
static enum tls_secret_line add_rsa(struct tls_secrets *secrets, struct bytes key, struct bytes secret)
{
    static const struct named_label of_session_id = {"", TLS_SECRET_OF_SESSION_ID, 0, 48, 48};
    static const struct named_label of_encrypted = {"", TLS_SECRET_OF_ENCRYPTED, TLS_ENCRYPTED_BYTES, 48, 48};
    static const char id_name[] = "Session-ID:";
    static const char key_name[] = "Master-Key:";

    if (!bytes_begin_nocase(key, id_name))
        return add_hex(secrets, &of_encrypted, key, secret);
    if (!bytes_begin_nocase(secret, key_name))
        return TLS_LINE_INVALID;
    (void)bytes_split(key, ':', &key);
    (void)bytes_split(secret, ':', &secret);
    return add_hex(secrets, &of_session_id, key, secret);
}

static bool is_label(struct bytes name)
{
    struct cursor letters = cursor_within(name);

    while (cursor_left(&letters) > 0) {
        uint8_t letter = take_u8(&letters);

        if (!(letter >= 'A' && letter <= 'Z') && !(letter >= '0' && letter <= '9') && letter != '_')
            return false;
    }
    return name.length > 0;
}

/* Line ends and blanks at its ends come off. */
static struct bytes without_end(struct bytes line)
{
    while (line.length > 0 && (line.at[line.length - 1] == '\n' || line.at[line.length - 1] == '\r'))
        line.length--;
    return bytes_trim(line);
}

enum tls_secret_line tls_secrets_add(struct tls_secrets *secrets, struct bytes line)
{
    struct bytes rest = without_end(line);
    struct bytes name;
    struct bytes key;
    struct bytes secret;

    if (rest.length == 0 || rest.at[0] == '#')
        return TLS_LINE_PASSED;
    if (rest.length > TLS_SECRETS_LINE_LIMIT)
        return TLS_LINE_INVALID;
    name = bytes_split(rest, ' ', &rest);
    key = bytes_split(bytes_trim(rest), ' ', &rest);
    secret = bytes_trim(rest);
    if (!is_label(name) || key.length == 0 || secret.length == 0)
        return TLS_LINE_INVALID;
    if (bytes_equal(name, bytes_of_text("RSA")))
        return add_rsa(secrets, key, secret);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (bytes_equal(name, bytes_of_text(labels[i].name)))
            return add_hex(secrets, &labels[i], key, secret);
    }
    return TLS_LINE_PASSED;
}

static void add_lines(struct tls_secrets *secrets, struct bytes text, size_t most, struct tls_line_counts *counts)
{
    while (text.length > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.length);
        size_t length = end != NULL ? (size_t)(end - text.at) + 1 : text.length;
        bool is_full = tls_secrets_count(secrets) >= most;

        tls_line_count(counts, is_full ? TLS_LINE_REFUSED : tls_secrets_add(secrets, bytes_of(text.at, length)));
        text = bytes_of(text.at + length, text.length - length);
    }
}

void tls_secrets_add_lines(struct tls_secrets *secrets, struct bytes text, struct tls_line_counts *counts)
{
    add_lines(secrets, text, SIZE_MAX, counts);
}

void tls_secrets_add_embedded(struct tls_secrets *secrets, struct bytes text, struct tls_line_counts *counts)
{
    add_lines(secrets, text, TLS_SECRETS_EMBEDDED, counts);
}

void tls_line_count(struct tls_line_counts *counts, enum tls_secret_line line)
{
    counts->lines++;
    switch (line) {
    case TLS_LINE_ADDED:
    case TLS_LINE_KNOWN:
    case TLS_LINE_PASSED:
        counts->right++;
        break;
    case TLS_LINE_REFUSED:
        counts->refused++;
        break;
    case TLS_LINE_INVALID:
        if (counts->wrong++ == 0)
            counts->first_wrong = counts->lines;
        break;
    }
}

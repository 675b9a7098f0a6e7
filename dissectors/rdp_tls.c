/*
 * rdp_tls.c - see rdp_tls.h
 */
#include "dissectors/rdp_tls.h"

#include "base/memory.h"
#include "dissectors/rdp_peers.h"

extern const struct dissector rdp_dissector;

/* The session while TLS has the flow. `outer` first: TLS knows no more of it. */
struct rdp_tls {
    struct tls_outer outer;
    struct rdp_facts facts;
    bool is_entered; /* only the shape is still here */
};

static struct rdp_tls *rdp_of(struct tls_outer *outer)
{
    return (struct rdp_tls *)outer;
}

static void on_record(struct conversation *conversation, struct tls_outer *outer, const struct tls_record *record)
{
    rdp_shape_record(conversation, &rdp_of(outer)->facts.shape, record);
}

/* The first certificate of the handshake is the server's own. */
static void on_certificate(struct conversation *conversation, struct tls_outer *outer, struct bytes encoded)
{
    struct rdp_facts *facts = &rdp_of(outer)->facts;
    struct rdp_certificate *certificate = &facts->settings.certificate;

    (void)conversation;
    if (!rdp_of(outer)->is_entered && !certificate->version.is_known && rdp_read_x509(encoded, certificate))
        certificate->version = (struct rdp_number){.value = 2, .is_known = true};
}

static void on_lost(struct conversation *conversation, struct tls_outer *outer, enum side from)
{
    (void)conversation;
    rdp_shape_lost(&rdp_of(outer)->facts.shape, from);
}

static void on_end(struct conversation *conversation, struct tls_outer *outer, enum side from, enum ending ending)
{
    rdp_shape_end(conversation, &rdp_of(outer)->facts.shape, from, ending);
}

static void on_refresh(struct conversation *conversation, struct tls_outer *outer)
{
    if (!rdp_of(outer)->is_entered)
        rdp_write_session(conversation, &rdp_of(outer)->facts);
}

static void on_close(struct conversation *conversation, struct tls_outer *outer)
{
    struct rdp_tls *rdp = rdp_of(outer);

    rdp_peers_end(conversation);
    if (!rdp->is_entered) {
        rdp_write_rows(conversation, &rdp->facts);
        rdp_facts_free(&rdp->facts);
    }
    memory_free(rdp);
}

void rdp_tls_enter(struct tls_outer *outer, struct rdp_facts *facts)
{
    struct rdp_tls *rdp = rdp_of(outer);
    struct rdp_shape shape = rdp->facts.shape;

    *facts = rdp->facts;
    facts->shape = (struct rdp_shape){.reached = RDP_REACHED_TLS};
    rdp->facts = (struct rdp_facts){.shape = shape};
    rdp->is_entered = true;
}

void rdp_tls_add_login(const struct tls_outer *outer, struct rdp_shape *shape)
{
    const struct rdp_shape *seen = &((const struct rdp_tls *)outer)->facts.shape;

    if (shape->login != RDP_LOGIN_UNKNOWN)
        return;
    shape->login = seen->login;
    shape->basis = seen->basis;
}

struct tls_outer *rdp_tls_new(const struct rdp_facts *facts)
{
    struct rdp_tls *rdp = memory_new_zeroed(1, sizeof *rdp);

    if (rdp == NULL)
        return NULL;
    rdp->facts = *facts;
    rdp_shape_begin(&rdp->facts.shape, facts->selected.is_known, facts->selected.value);
    rdp->outer = (struct tls_outer){
        .refresh = on_refresh,
        .close = on_close,
        .on_record = on_record,
        .on_certificate = on_certificate,
        .on_lost = on_lost,
        .on_end = on_end,
        .inside = &rdp_dissector,
    };
    return &rdp->outer;
}

void rdp_tls_free(struct tls_outer *outer)
{
    memory_free(outer);
}

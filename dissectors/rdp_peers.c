/* rdp_peers.c - see rdp_peers.h */
#include "dissectors/rdp_peers.h"

#include "base/memory.h"
#include "base/seed.h"

struct peer {
    struct address client;
    struct address server;
    int64_t flow_id; /* 0: the place is free */
};

struct rdp_peers {
    uint64_t seed;
    struct peer peers[RDP_PEERS_LIMIT]; /* each pair has one place */
};

struct rdp_peers *rdp_peers_new(void)
{
    struct rdp_peers *peers = memory_new_zeroed(1, sizeof *peers);

    if (peers != NULL)
        peers->seed = seed_new();
    return peers;
}

void rdp_peers_free(struct rdp_peers *peers)
{
    memory_free(peers);
}

static uint64_t mix_address(uint64_t hash, const struct address *address)
{
    uint64_t halves[2];

    memcpy(halves, address->bytes, sizeof halves);
    for (int i = 0; i < 2; i++) {
        hash = (hash ^ halves[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

/* The place of the pair; NULL where nothing is remembered. */
static struct peer *place_of(const struct conversation *conversation)
{
    struct rdp_peers *peers = conversation_rdp_peers(conversation);
    const struct flow_facts *flow = conversation_flow(conversation);

    if (peers == NULL)
        return NULL;
    return &peers->peers[(mix_address(mix_address(peers->seed, &flow->client), &flow->server) >> 32) % RDP_PEERS_LIMIT];
}

void rdp_peers_begin(struct conversation *conversation)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    struct peer *peer = place_of(conversation);

    if (peer != NULL)
        *peer = (struct peer){.client = flow->client, .server = flow->server, .flow_id = flow->flow_id};
}

void rdp_peers_end(struct conversation *conversation)
{
    struct peer *peer = place_of(conversation);

    if (peer != NULL && peer->flow_id == conversation_flow(conversation)->flow_id)
        peer->flow_id = 0;
}

int64_t rdp_peers_find(const struct conversation *conversation)
{
    const struct flow_facts *flow = conversation_flow(conversation);
    const struct peer *peer = place_of(conversation);

    if (peer == NULL || peer->flow_id == 0 || !address_equal(&peer->client, &flow->client) || !address_equal(&peer->server, &flow->server))
        return 0;
    return peer->flow_id;
}

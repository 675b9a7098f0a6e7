/*
 * naming_ndpi.c - see naming.h. The only file that touches nDPI's interface.
 *
 * Written for nDPI 4.2, for 4.12 and for 5. What differs between them stands in
 * the first part: since 4.6 a packet comes with an (optional) hint; since 4.10
 * the module is made from a global context; since 4.12 the protocol numbers lie
 * in a struct of their own and giving up has no switch for guessing; since 5.0
 * all protocols are on by themselves, a state tells when nDPI is done, and giving
 * up tells no more whether it guessed. tests/ndpi/ holds the declarations of the
 * newer versions that this file uses, so that it can be compiled against them.
 */
#include "streams/naming.h"

#include "base/log.h"
#include "base/memory.h"

#include <ndpi_api.h>
#include <stdio.h>
#include <stdlib.h>

#define NDPI_VERSION (NDPI_MAJOR * 100 + NDPI_MINOR)

#if NDPI_VERSION >= 412
#define MASTER_OF(protocol) ((protocol).proto.master_protocol)
#define APPLICATION_OF(protocol) ((protocol).proto.app_protocol)
#else
#define MASTER_OF(protocol) ((protocol).master_protocol)
#define APPLICATION_OF(protocol) ((protocol).app_protocol)
#endif

/*
 * What nDPI allocates for itself is counted as the worker's own: names, caches and what its flows hold grow with the traffic.
 * Version 5 has another way to ask for it, which its releases do not share: there only the flows' own size is counted.
 */
static struct ndpi_detection_module_struct *module_new(void)
{
#if NDPI_VERSION < 500
    set_ndpi_malloc(memory_new);
    set_ndpi_free(memory_free);
#endif
#if NDPI_VERSION >= 410
    return ndpi_init_detection_module(NULL);
#else
    return ndpi_init_detection_module(ndpi_no_prefs);
#endif
}

static void module_start(struct ndpi_detection_module_struct *module)
{
#if NDPI_VERSION < 500
    NDPI_PROTOCOL_BITMASK all;

    NDPI_BITMASK_SET_ALL(all);
    ndpi_set_protocol_detection_bitmask2(module, &all);
#endif
    ndpi_finalize_initialization(module);
}

static ndpi_protocol process(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow, struct bytes ip, uint64_t time_ms)
{
    unsigned short length = ip.length > UINT16_MAX ? UINT16_MAX : (unsigned short)ip.length;

#if NDPI_VERSION >= 406
    return ndpi_detection_process_packet(module, flow, ip.at, length, time_ms, NULL);
#else
    return ndpi_detection_process_packet(module, flow, ip.at, length, time_ms);
#endif
}

static ndpi_protocol guess(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow)
{
#if NDPI_VERSION >= 500
    return ndpi_detection_giveup(module, flow);
#else
    u_int8_t was_guessed = 0;

#if NDPI_VERSION >= 412
    return ndpi_detection_giveup(module, flow, &was_guessed);
#else
    return ndpi_detection_giveup(module, flow, 1, &was_guessed);
#endif
#endif
}

/* Whether more packets could tell more of a flow whose protocol is known. */
static bool wants_more(struct ndpi_detection_module_struct *module, struct ndpi_flow_struct *flow, ndpi_protocol protocol)
{
#if NDPI_VERSION >= 500
    (void)module;
    return (protocol.state != NDPI_STATE_CLASSIFIED && protocol.state != NDPI_STATE_MONITORING) || flow->extra_packets_func != NULL;
#else
    (void)protocol;
    return ndpi_extra_dissection_possible(module, flow) != 0;
#endif
}

static const char *name_of(struct ndpi_detection_module_struct *module, uint16_t protocol)
{
    return ndpi_get_proto_name(module, protocol);
}

/* ---- what follows is the same for all versions ---- */

/* States of flows that are over and can be used again. */
#define NAMING_SPARE 256

struct naming {
    struct ndpi_detection_module_struct *module;
    size_t flow_size;
    struct ndpi_flow_struct *spare[NAMING_SPARE];
    unsigned spare_count;
    char name[128];
};

struct naming *naming_new(void)
{
    struct naming *naming = calloc(1, sizeof *naming);

    if (naming == NULL) {
        log_error("out of memory while nDPI starts");
        return NULL;
    }
    naming->module = module_new();
    if (naming->module == NULL) {
        log_error("nDPI does not start: its detection module could not be made (out of memory?); --no-ndpi goes on without names");
        free(naming);
        return NULL;
    }
    module_start(naming->module);
    naming->flow_size = ndpi_detection_get_sizeof_ndpi_flow_struct();
    return naming;
}

void naming_free(struct naming *naming)
{
    if (naming == NULL)
        return;
    while (naming->spare_count > 0)
        ndpi_free_flow(naming->spare[--naming->spare_count]);
    ndpi_exit_detection_module(naming->module);
    free(naming);
}

void *naming_open(struct naming *naming)
{
    struct ndpi_flow_struct *flow;

    if (naming->spare_count > 0)
        flow = naming->spare[--naming->spare_count];
    else
        flow = ndpi_flow_malloc(naming->flow_size);
    if (flow == NULL)
        return NULL;
    memory_count((ptrdiff_t)naming->flow_size);
    memset(flow, 0, naming->flow_size);
    return flow;
}

void naming_give_back(struct naming *naming, void *state)
{
    struct ndpi_flow_struct *flow = state;

    memory_count(-(ptrdiff_t)naming->flow_size);
    if (naming->spare_count == NAMING_SPARE) {
        ndpi_free_flow(flow);
        return;
    }
    ndpi_free_flow_data(flow);
    memset(flow, 0, naming->flow_size);
    naming->spare[naming->spare_count++] = flow;
}

static void fill(struct naming_answer *answer, ndpi_protocol protocol, const struct ndpi_flow_struct *flow)
{
    answer->master = MASTER_OF(protocol);
    answer->application = APPLICATION_OF(protocol);
    answer->category = (uint16_t)protocol.category;
    answer->risks = flow->risk;
}

bool naming_feed(struct naming *naming, void *state, struct bytes ip, int64_t time_us, struct naming_answer *answer)
{
    struct ndpi_flow_struct *flow = state;
    ndpi_protocol protocol = process(naming->module, flow, ip, time_us > 0 ? (uint64_t)time_us / 1000 : 0);

    fill(answer, protocol, flow);
    if (answer->application == NDPI_PROTOCOL_UNKNOWN && answer->master == NDPI_PROTOCOL_UNKNOWN)
        return false;
    return !wants_more(naming->module, flow, protocol);
}

/* IP header without options and, for TCP and UDP, a bare header behind it: what nDPI looks at for a guess. */
static size_t write_endpoints(uint8_t out[80], const struct address *client, const struct address *server, uint8_t protocol, uint16_t client_port,
                              uint16_t server_port)
{
    size_t header = client->version == 4 ? 20 : 40;
    size_t transport = protocol == IP_PROTOCOL_TCP ? 20 : 8;
    size_t address = client->version == 4 ? 4 : 16;
    uint8_t *at = out + header;

    memset(out, 0, 80);
    if (client->version == 4) {
        out[0] = 0x45;
        out[3] = (uint8_t)(header + transport);
        out[8] = 64;
        out[9] = protocol;
    } else {
        out[0] = 0x60;
        out[5] = (uint8_t)transport;
        out[6] = protocol;
        out[7] = 64;
    }
    memcpy(out + header - 2 * address, client->bytes, address);
    memcpy(out + header - address, server->bytes, address);
    if (protocol == IP_PROTOCOL_ICMP || protocol == IP_PROTOCOL_ICMP6) {
        at[0] = (uint8_t)client_port;
        at[1] = (uint8_t)server_port;
        return header + transport;
    }
    at[0] = (uint8_t)(client_port >> 8);
    at[1] = (uint8_t)client_port;
    at[2] = (uint8_t)(server_port >> 8);
    at[3] = (uint8_t)server_port;
    if (protocol == IP_PROTOCOL_TCP) {
        at[12] = 0x50;
        at[13] = TCP_SYN;
    } else {
        at[5] = 8; /* UDP length */
    }
    return header + transport;
}

void naming_feed_endpoints(struct naming *naming, void *state, const struct address *client, const struct address *server, uint8_t protocol,
                           uint16_t client_port, uint16_t server_port, int64_t time_us)
{
    uint8_t packet[80];
    size_t length = write_endpoints(packet, client, server, protocol, client_port, server_port);
    struct naming_answer answer;

    (void)naming_feed(naming, state, bytes_of(packet, length), time_us, &answer);
}

void naming_conclude(struct naming *naming, void *state, struct naming_answer *answer)
{
    struct ndpi_flow_struct *flow = state;

    fill(answer, guess(naming->module, flow), flow);
}

const char *naming_protocol(struct naming *naming, const struct naming_answer *answer)
{
    uint16_t master = answer->master;
    uint16_t application = answer->application;

    if (application == NDPI_PROTOCOL_UNKNOWN)
        application = master;
    if (application == NDPI_PROTOCOL_UNKNOWN)
        return NULL;
    if (master == NDPI_PROTOCOL_UNKNOWN || master == application)
        return name_of(naming->module, application);
    snprintf(naming->name, sizeof naming->name, "%s.%s", name_of(naming->module, master), name_of(naming->module, application));
    return naming->name;
}

const char *naming_category(struct naming *naming, const struct naming_answer *answer)
{
    if (answer->application == NDPI_PROTOCOL_UNKNOWN && answer->master == NDPI_PROTOCOL_UNKNOWN)
        return NULL;
    return ndpi_category_get_name(naming->module, (ndpi_protocol_category_t)answer->category);
}

void naming_risks(const struct naming_answer *answer, struct text *names)
{
    for (unsigned risk = 1; risk < NDPI_MAX_RISK && risk < 64; risk++) {
        if ((answer->risks >> risk & 1) != 0)
            text_append_item(names, ",", bytes_of_text(ndpi_risk2str((ndpi_risk_enum)risk)));
    }
}

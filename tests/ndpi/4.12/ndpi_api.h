/*
 * ndpi_api.h - the declarations of nDPI 4.12 that streams/naming_ndpi.c uses, written
 * down from its documentation: for compiling against, not for linking.
 */
#ifndef NDPI_API_H
#define NDPI_API_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define NDPI_MAJOR 4
#define NDPI_MINOR 12
#define NDPI_PROTOCOL_UNKNOWN 0

typedef enum { NDPI_PROTOCOL_CATEGORY_UNSPECIFIED } ndpi_protocol_category_t;
typedef enum { NDPI_NO_RISK, NDPI_MAX_RISK = 56 } ndpi_risk_enum;
typedef u_int64_t ndpi_risk;

typedef struct {
    u_int16_t master_protocol;
    u_int16_t app_protocol;
} ndpi_master_app_protocol;
typedef struct ndpi_proto {
    ndpi_master_app_protocol proto;
    u_int16_t protocol_by_ip;
    ndpi_protocol_category_t category;
} ndpi_protocol;

struct ndpi_global_context;
struct ndpi_detection_module_struct;
struct ndpi_flow_input_info;
struct ndpi_flow_struct {
    ndpi_risk risk;
    int (*extra_packets_func)(struct ndpi_detection_module_struct *, struct ndpi_flow_struct *);
};

struct ndpi_detection_module_struct *ndpi_init_detection_module(struct ndpi_global_context *g_ctx);
int ndpi_finalize_initialization(struct ndpi_detection_module_struct *ndpi_str);
void ndpi_exit_detection_module(struct ndpi_detection_module_struct *ndpi_struct);
u_int32_t ndpi_detection_get_sizeof_ndpi_flow_struct(void);
void set_ndpi_malloc(void *(*__ndpi_malloc)(size_t size));
void set_ndpi_free(void (*__ndpi_free)(void *ptr));
void *ndpi_flow_malloc(size_t size);
void ndpi_free_flow(struct ndpi_flow_struct *flow);
void ndpi_free_flow_data(struct ndpi_flow_struct *flow);
ndpi_protocol ndpi_detection_process_packet(struct ndpi_detection_module_struct *ndpi_struct, struct ndpi_flow_struct *flow, const unsigned char *packet,
                                            const unsigned short packetlen, const u_int64_t packet_time_ms, struct ndpi_flow_input_info *input_info);
ndpi_protocol ndpi_detection_giveup(struct ndpi_detection_module_struct *ndpi_struct, struct ndpi_flow_struct *flow, u_int8_t *protocol_was_guessed);
u_int8_t ndpi_extra_dissection_possible(struct ndpi_detection_module_struct *ndpi_struct, struct ndpi_flow_struct *flow);
typedef struct {
    u_int32_t fds_bits[16];
} NDPI_PROTOCOL_BITMASK;
#define NDPI_BITMASK_SET_ALL(bitmask) memset(&(bitmask), 0xff, sizeof(bitmask))
int ndpi_set_protocol_detection_bitmask2(struct ndpi_detection_module_struct *ndpi_struct, const NDPI_PROTOCOL_BITMASK *detection_bitmask);
char *ndpi_get_proto_name(struct ndpi_detection_module_struct *mod, u_int16_t proto_id);
const char *ndpi_category_get_name(struct ndpi_detection_module_struct *ndpi_mod, ndpi_protocol_category_t category);
const char *ndpi_risk2str(ndpi_risk_enum risk);

#endif

/*
 * tunnel.h - the way that led to an innermost packet: the tunnel headers around it, outermost first.
 */
#ifndef WIRESCRIBE_BASE_TUNNEL_H
#define WIRESCRIBE_BASE_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

/* Tunnels inside each other that are followed. */
#define TUNNEL_LAYERS 8

/* KIND(name in C, its text, whether an id follows): a header that may or may not carry an id has two kinds. */
#define TUNNEL_KINDS(KIND) \
    KIND(TUNNEL_GRE, "gre", false)               /* RFC 2784 */ \
    KIND(TUNNEL_GRE_KEY, "gre", true)            /* RFC 2890: the key */ \
    KIND(TUNNEL_PPTP, "pptp", true)              /* RFC 2637: the call id */ \
    KIND(TUNNEL_ERSPAN, "erspan", false)         /* type I */ \
    KIND(TUNNEL_ERSPAN_SESSION, "erspan", true)  /* types II and III: the session id */ \
    KIND(TUNNEL_IPIP, "ipip", false)             /* RFC 2003 */ \
    KIND(TUNNEL_6IN4, "6in4", false)             /* RFC 4213 */ \
    KIND(TUNNEL_6TO4, "6to4", false)             /* RFC 3056: an address of 2002::/16 */ \
    KIND(TUNNEL_4IN6, "4in6", false)             /* RFC 2473 */ \
    KIND(TUNNEL_6IN6, "6in6", false)             /* RFC 2473 */ \
    KIND(TUNNEL_TEREDO, "teredo", false)         /* RFC 4380 */ \
    KIND(TUNNEL_VXLAN, "vxlan", true)            /* RFC 7348: the VNI */ \
    KIND(TUNNEL_GENEVE, "geneve", true)          /* RFC 8926: the VNI */ \
    KIND(TUNNEL_GTP, "gtp", true)                /* 3GPP TS 29.281: the TEID */ \
    KIND(TUNNEL_PPPOE, "pppoe", true)            /* RFC 2516: the session id */ \
    KIND(TUNNEL_MPLS, "mpls", true)              /* RFC 3032: the label at the bottom of the stack */ \
    KIND(TUNNEL_PBB, "pbb", true)                /* IEEE 802.1ah: the I-SID */ \
    KIND(TUNNEL_NSH, "nsh", true)                /* RFC 8300: the service path */

#define TUNNEL_MEMBER(NAME, TEXT, HAS_ID) NAME,
enum tunnel_kind {
    TUNNEL_KINDS(TUNNEL_MEMBER)
    TUNNEL_KIND_COUNT,
};
#undef TUNNEL_MEMBER

struct tunnel_path {
    uint8_t count; /* 0: no tunnel; the arrays are filled up to here */
    uint8_t kinds[TUNNEL_LAYERS]; /* enum tunnel_kind */
    uint32_t ids[TUNNEL_LAYERS];  /* of the kinds that carry one */
};

/* Room for TUNNEL_LAYERS times a name of up to 8 letters, an id and " > ". */
#define TUNNEL_TEXT_SIZE (TUNNEL_LAYERS * 22 + 1)

/* One more header, inside the others. False where there is no room: then nothing changes. */
bool tunnel_push(struct tunnel_path *path, enum tunnel_kind kind, uint32_t id);

/* "pppoe 17 > 6in4", NUL-terminated. Returns its length; 0 without a tunnel. */
unsigned tunnel_to_text(const struct tunnel_path *path, char text[TUNNEL_TEXT_SIZE]);

#endif

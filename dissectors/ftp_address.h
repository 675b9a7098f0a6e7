/*
 * ftp_address.h - where a data connection is announced: PORT and PASV (RFC 959, 4.1.2), EPRT and EPSV (RFC 2428), LPRT
 * and LPSV (RFC 1639).
 */
#ifndef WIRESCRIBE_DISSECTORS_FTP_ADDRESS_H
#define WIRESCRIBE_DISSECTORS_FTP_ADDRESS_H

#include "base/address.h"
#include "base/bytes.h"

/* PORT's h1,h2,h3,h4,p1,p2 (RFC 959, 4.1.2). False where it is none, or a number is above 255. */
bool ftp_parse_host_port(struct bytes text, struct address *address, uint16_t *port);

/* The same in a 227 reply: anywhere in it, with or without parentheses (RFC 1123, 4.1.2.6). */
bool ftp_parse_passive(struct bytes reply, struct address *address, uint16_t *port);

/* EPRT's <d>net<d>address<d>port<d> (RFC 2428, 2). */
bool ftp_parse_extended_port(struct bytes text, struct address *address, uint16_t *port);

/* The port in a 229 reply (RFC 2428, 3); the address is that of the control connection. */
bool ftp_parse_extended_passive(struct bytes reply, uint16_t *port);

/* LPRT's af,hal,h1,...,pal,p1,... with the lengths that IPv4 and IPv6 have (RFC 1639). */
bool ftp_parse_long_port(struct bytes text, struct address *address, uint16_t *port);

/* The same in a 228 reply. */
bool ftp_parse_long_passive(struct bytes reply, struct address *address, uint16_t *port);

/* Addresses that only have a meaning within a network of their own (RFC 1918, 6598, 3927, 4193, 4291). */
bool ftp_address_is_private(const struct address *address);

#endif

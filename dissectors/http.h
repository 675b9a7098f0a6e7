/*
 * http.h - HTTP/1 as far as other protocols begin in it.
 */
#ifndef WIRESCRIBE_DISSECTORS_HTTP_H
#define WIRESCRIBE_DISSECTORS_HTTP_H

#include "dissectors/dissector.h"

/* Follows messages, writes http_requests, and hands over to the WebSocket dissector at a 101. Takes no `from_before`: pass NULL. */
extern const struct dissector http_dissector;

#endif

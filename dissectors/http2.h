/*
 * http2.h - HTTP/2: its requests, and the WebSockets and tunnels in its streams.
 */
#ifndef WIRESCRIBE_DISSECTORS_HTTP2_H
#define WIRESCRIBE_DISSECTORS_HTTP2_H

#include "dissectors/dissector.h"
#include "dissectors/http_request.h"

/*
 * Begins with the client's preface and the server's first frame. `from_before`: NULL; or, where HTTP/1.1 hands over at a 101 with "Upgrade: h2c"
 * (RFC 7540, 3.2), the struct http_request that asked for it, without its status, which it then owns: it is answered on stream 1.
 */
extern const struct dissector http2_dissector;

#endif

/*
 * prose.h - the media type of what people write: plain text and HTML, told by rules that cost little.
 */
#ifndef WIRESCRIBE_DISSECTORS_PROSE_H
#define WIRESCRIBE_DISSECTORS_PROSE_H

#include "base/bytes.h"

/*
 * "text/plain" or "text/html"; NULL where the bytes do not read as prose: control characters, a beginning that is none of a
 * word's or of HTML's. `head`: the first bytes.
 */
const char *prose_type(struct bytes head);

#endif

/*
 * media_type.h - libmagic's opinion of a file's first bytes.
 */
#ifndef WIRESCRIBE_DISSECTORS_MEDIA_TYPE_H
#define WIRESCRIBE_DISSECTORS_MEDIA_TYPE_H

#include "base/bytes.h"

/*
 * The media type, "application/pdf"; empty where it cannot be told. Valid until the thread's next call. What was asked
 * lately is remembered: the same first bytes have the same type.
 */
struct bytes media_type_of(struct bytes head);

#endif

/*
 * utf16.h - texts that Microsoft's protocols write in UTF-16, least significant byte first.
 */
#ifndef WIRESCRIBE_DISSECTORS_UTF16_H
#define WIRESCRIBE_DISSECTORS_UTF16_H

#include "base/cursor.h"
#include "base/text.h"

/* Adds all of it as UTF-8. An unpaired surrogate becomes three bytes that are not UTF-8, which the store escapes; half a letter is left out. */
void utf16_append(struct text *text, struct cursor utf16);

#endif

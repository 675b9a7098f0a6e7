/* seed.h - a number that nobody outside can know: what seeds the hashes of all that strangers choose the keys of. */
#ifndef WIRESCRIBE_BASE_SEED_H
#define WIRESCRIBE_BASE_SEED_H

#include <stdint.h>

/* Another one at each call. From the kernel; never waits for it. */
uint64_t seed_new(void);

#endif

/* What samples draw of numpy's RandomState: the same numbers from the same words of the Mersenne Twister. */
#ifndef ERNIE_SAMPLES_RANDOM_H
#define ERNIE_SAMPLES_RANDOM_H

#include "index_random.h"

/* random_sample(): 53 bits of two words. */
static inline double fraction(Twister32 *t) {
    uint32_t high = next32(t) >> 5, low = next32(t) >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
}

/* randint(0, most + 1): words cut to the bits of `most` until one is not above it. No draw if there is no choice. */
static inline uint32_t at_most(Twister32 *t, uint32_t most) {
    uint32_t bits = most, value;
    if (most == 0) return 0;
    for (int shift = 1; shift < 32; shift *= 2) bits |= bits >> shift;
    while ((value = next32(t) & bits) > most) {}
    return value;
}

static void shuffle32(Twister32 *t, int32_t *numbers, int64_t count) {
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = at_most(t, (uint32_t)i);
        int32_t held = numbers[i];
        numbers[i] = numbers[j];
        numbers[j] = held;
    }
}

#endif

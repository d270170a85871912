/* The two Mersenne Twisters of the C++ standard library, as the index map needs them. */
#ifndef ERNIE_INDEX_RANDOM_H
#define ERNIE_INDEX_RANDOM_H

#include <stdint.h>

typedef struct {
    uint32_t state[624];
    int32_t at;
} Twister32;

typedef struct {
    uint64_t state[312];
    int32_t at;
} Twister64;

static void seed32(Twister32 *t, uint32_t seed) {
    t->state[0] = seed;
    for (int i = 1; i < 624; i++)
        t->state[i] = 1812433253u * (t->state[i - 1] ^ (t->state[i - 1] >> 30)) + (uint32_t)i;
    t->at = 624;
}

static inline uint32_t twist32(uint32_t high, uint32_t low, uint32_t far) {
    uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
    return far ^ (y >> 1) ^ ((0u - (y & 1u)) & 0x9908b0dfu);
}

static void turn32(Twister32 *t) {
    uint32_t *s = t->state;
    int i = 0;
    for (; i < 227; i++) s[i] = twist32(s[i], s[i + 1], s[i + 397]);
    for (; i < 623; i++) s[i] = twist32(s[i], s[i + 1], s[i - 227]);
    s[623] = twist32(s[623], s[0], s[396]);
    t->at = 0;
}

static inline uint32_t next32(Twister32 *t) {
    if (t->at == 624) turn32(t);
    uint32_t y = t->state[t->at++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static void seed64(Twister64 *t, uint64_t seed) {
    t->state[0] = seed;
    for (int i = 1; i < 312; i++)
        t->state[i] = 6364136223846793005ULL * (t->state[i - 1] ^ (t->state[i - 1] >> 62)) + (uint64_t)i;
    t->at = 312;
}

static inline uint64_t twist64(uint64_t high, uint64_t low, uint64_t far) {
    uint64_t y = (high & 0xFFFFFFFF80000000ULL) | (low & 0x7FFFFFFFULL);
    return far ^ (y >> 1) ^ ((0ULL - (y & 1)) & 0xB5026F5AA96619E9ULL);
}

static void turn64(Twister64 *t) {
    uint64_t *s = t->state;
    int i = 0;
    for (; i < 156; i++) s[i] = twist64(s[i], s[i + 1], s[i + 156]);
    for (; i < 311; i++) s[i] = twist64(s[i], s[i + 1], s[i - 156]);
    s[311] = twist64(s[311], s[0], s[155]);
    t->at = 0;
}

static inline uint64_t next64(Twister64 *t) {
    if (t->at == 312) turn64(t);
    uint64_t y = t->state[t->at++];
    y ^= (y >> 29) & 0x5555555555555555ULL;
    y ^= (y << 17) & 0x71D67FFFEDA60000ULL;
    y ^= (y << 37) & 0xFFF7EEE000000000ULL;
    return y ^ (y >> 43);
}

#endif

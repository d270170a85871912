/* Which corpus gives the next sample: the one that lags most behind its share. */
#ifndef ERNIE_INDEX_MIX_H
#define ERNIE_INDEX_MIX_H

#include <stdint.h>

/* A fused multiply-subtract rounds once instead of twice and would break ties otherwise on some machines. */
#if defined(__clang__)
#pragma clang fp contract(off)
#define TWO_ROUNDINGS
#elif defined(__GNUC__)
#define TWO_ROUNDINGS __attribute__((optimize("fp-contract=off")))
#else
#define TWO_ROUNDINGS
#endif

/* `chosen` and `numbers` may be NULL: then only `taken` moves on. */
TWO_ROUNDINGS
static void mix(const double *weights, int64_t *taken, int64_t corpora, int64_t first, int64_t size, uint8_t *chosen,
                int64_t *numbers) {
    double had[256];
    for (int64_t k = 0; k < corpora; k++) had[k] = (double)taken[k];
    for (int64_t i = first; i < first + size; i++) {
        const double position = i > 1 ? (double)i : 1.0;
        double most = weights[0] * position - had[0];
        int64_t best = 0;
        for (int64_t k = 1; k < corpora; k++) {
            const double lack = weights[k] * position - had[k];
            best = lack > most ? k : best;
            most = lack > most ? lack : most;
        }
        if (chosen) {
            chosen[i - first] = (uint8_t)best;
            numbers[i - first] = (int64_t)had[best];
        }
        had[best] += 1.0;
    }
    for (int64_t k = 0; k < corpora; k++) taken[k] = (int64_t)had[k];
}

#endif

/* Rows of the index map, document by document, and their shuffle. */
#ifndef ERNIE_INDEX_MAP_H
#define ERNIE_INDEX_MAP_H

#include <string.h>

#include "index_random.h"

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define PREFETCH(place) __builtin_prefetch(place, 1)
#else
#define ALWAYS_INLINE inline
#define PREFETCH(place)
#endif

/* A pass over the documents, which may pause between any two. Lives in a buffer of the caller. */
typedef struct {
    Twister32 twister;
    int64_t document; /* the next one */
} Pass;

typedef struct {
    const int64_t *docs;
    const int32_t *lens;
    int64_t documents;
    int64_t sentences; /* in lens */
    int64_t max_len;
    int64_t ratio;
    int64_t fewest;
    int64_t longest;
} Data;

static inline uint32_t target_of(Twister32 *t, const Data *data, uint64_t inverse) {
    if (data->ratio == 0) return (uint32_t)data->max_len;
    uint32_t r = next32(t);
    /* r % ratio == 0, without a division */
    if (r * inverse > inverse - 1) return (uint32_t)data->max_len;
    return 2 + r % (uint32_t)(data->max_len - 1);
}

static ALWAYS_INLINE void put(void *out, int64_t row, int64_t start, int64_t end, uint32_t goal, int wide) {
    if (wide) {
        uint64_t *to = (uint64_t *)out + 3 * row;
        to[0] = (uint64_t)start, to[1] = (uint64_t)end, to[2] = goal;
    } else {
        uint32_t *to = (uint32_t *)out + 3 * row;
        to[0] = (uint32_t)start, to[1] = (uint32_t)end, to[2] = goal;
    }
}

/* At most `room` rows; stops before a document that might not fit. Negative if documents leave the sentences. */
static ALWAYS_INLINE int64_t walk_as(Pass *pass, const Data *data, void *out, int64_t room, int wide) {
    const uint64_t inverse = data->ratio ? UINT64_MAX / (uint64_t)data->ratio + 1 : 0;
    const int32_t *lens = data->lens;
    int64_t rows = 0, d = pass->document;
    for (; d < data->documents; d++) {
        const int64_t a = data->docs[d], b = data->docs[d + 1], n = b - a;
        if (a < 0 || n < 0 || b > data->sentences) return -1;
        if (n > room - rows) break;
        if (n < data->fewest || n == 0) continue;
        int64_t sum = 0;
        int32_t most = 0;
        for (int64_t i = a; i < b; i++) {
            sum += lens[i];
            most = lens[i] > most ? lens[i] : most;
        }
        if (n > 1 && most > data->longest) continue;
        uint32_t goal = target_of(&pass->twister, data, inverse);
        int64_t start = a;
        if (sum >= goal && n > data->fewest) {
            int64_t length = 0, number = 0;
            for (int64_t i = a; i < b - 2; i++) {
                length += lens[i];
                number++;
                if (length >= goal && number >= data->fewest) {
                    if (out) put(out, rows, start, i + 1, goal, wide);
                    rows++;
                    start = i + 1;
                    length = number = 0;
                    goal = target_of(&pass->twister, data, inverse);
                }
            }
        }
        if (out) put(out, rows, start, b, goal, wide);
        rows++;
        /* the draw for a sample that will not come is part of the order */
        (void)target_of(&pass->twister, data, inverse);
    }
    pass->document = d;
    return rows;
}

static int64_t walk(Pass *pass, const Data *data, void *out, int64_t room, int wide) {
    return wide ? walk_as(pass, data, out, room, 1) : walk_as(pass, data, out, room, 0);
}

/* A swap costs a miss of every cache: places are drawn AHEAD swaps early and asked for. */
#define AHEAD 32

static ALWAYS_INLINE void shuffle_as(uint8_t *rows, int64_t count, uint64_t seed, const size_t width) {
    Twister64 twister;
    int64_t places[AHEAD];
    uint8_t held[24];
    seed64(&twister, seed);
    int64_t drawn = count - 1;
    for (int64_t i = count - 1; i > 0; i--) {
        for (; drawn > 0 && drawn > i - AHEAD; drawn--) {
            int64_t j = (int64_t)(next64(&twister) % (uint64_t)(drawn + 1));
            places[drawn % AHEAD] = j;
            PREFETCH(rows + width * j);
            PREFETCH(rows + width * j + width - 1);
        }
        uint8_t *one = rows + width * i, *other = rows + width * places[i % AHEAD];
        memcpy(held, one, width);
        memcpy(one, other, width);
        memcpy(other, held, width);
    }
}

static void shuffle(void *rows, int64_t count, uint64_t seed, int wide) {
    if (wide) shuffle_as((uint8_t *)rows, count, seed, 24);
    else shuffle_as((uint8_t *)rows, count, seed, 12);
}

#endif

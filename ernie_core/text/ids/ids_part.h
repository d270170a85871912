/* Letters that stand together, cut into tokens: combining marks in canonical order, then WordPiece. */
#ifndef ERNIE_IDS_PART_H
#define ERNIE_IDS_PART_H

#include "ids_table.h"

/* The letters, as far as they are read. More than LONGEST_PART are counted only: they are unknown. */
typedef struct {
    uint32_t codes[LONGEST_PART];
    int64_t size;
    int64_t run; /* where the combining marks begin that may still change places */
} Part;

#define INLINE static inline __attribute__((always_inline))

INLINE void put(void *out, int64_t at, uint32_t id, int wide) {
    if (wide) ((int32_t *)out)[at] = (int32_t)id;
    else ((uint16_t *)out)[at] = (uint16_t)id;
}

INLINE uint32_t get(const void *ids, int64_t at, int wide) {
    return wide ? (uint32_t)((const int32_t *)ids)[at] : ((const uint16_t *)ids)[at];
}

INLINE void add_letter(Part *part, uint32_t code) {
    if (part->size < LONGEST_PART) part->codes[part->size] = code;
    part->run = ++part->size;
}

/* Canonical order: a mark goes before the marks of higher class that stand directly before it. */
static void add_mark(Part *part, uint32_t mark) {
    int64_t at = part->size++;
    if (at >= LONGEST_PART) return;
    for (; at > part->run && part->codes[at - 1] >> 24 > mark >> 24; at--) part->codes[at] = part->codes[at - 1];
    part->codes[at] = mark;
}

/* Greedy longest match. */
static int64_t cut_part(const Table *t, Part *part, uint32_t *ids) {
    int64_t size = part->size, found = 0, start = 0;
    part->size = part->run = 0;
    *ids = t->unk;
    if (size > LONGEST_PART) return 1;
    while (start < size) {
        uint32_t node = start ? CONTINUED : ROOT;
        int64_t end = start;
        for (int64_t at = start; at < size; at++) {
            const Edge *edge = find_edge(t, node, part->codes[at] & 0xFFFFFF);
            if (!edge) break;
            node = edge->child;
            if (edge->id >= 0) ids[found] = (uint32_t)edge->id, end = at + 1;
        }
        if (end == start) {
            *ids = t->unk;
            return 1;
        }
        found++;
        start = end;
    }
    return found;
}

static __attribute__((noinline)) int64_t flush_part(const Table *t, Part *part, void *out, int64_t n, int wide) {
    uint32_t ids[LONGEST_PART];
    int64_t found = cut_part(t, part, ids);
    for (int64_t k = 0; k < found; k++) put(out, n + k, ids[k], wide);
    return n + found;
}

#endif

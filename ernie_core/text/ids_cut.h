/* A word-cut sentence to ids: normalisation, WordPiece and marks by position in one pass over its UTF-8.

   Bytes that are no UTF-8 are counted and dropped, and so are surrogates. The byte after the sentence must be readable
   and no space. A sentence of n bytes has at most n tokens. */
#ifndef ERNIE_IDS_CUT_H
#define ERNIE_IDS_CUT_H

#include "ids_table.h"

typedef struct {
    int64_t documents, dropped_documents, single_sentence_documents;
    int64_t sentences, dropped_sentences, long_sentences;
    int64_t tokens, unk, lone_surrogates, invalid;
} Counts;

/* Letters that stand together, as far as they are read. More than LONGEST_PART are counted only: they are unknown. */
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

/* The code point at p and its length; -1 with the length 1 where there is none. */
static inline int32_t decode(const uint8_t *p, const uint8_t *end, int *length) {
    uint32_t c = *p, left = end - p > 3 ? 3 : (uint32_t)(end - p) - 1;
    *length = 1;
    if (c < 0x80) return (int32_t)c;
#define TAIL(k) ((p[k] & 0xC0) == 0x80)
    if (c >= 0xC2 && c <= 0xDF && left >= 1 && TAIL(1)) {
        *length = 2;
        return (int32_t)((c & 0x1F) << 6 | (p[1] & 0x3F));
    }
    if (c >= 0xE0 && c <= 0xEF && left >= 2 && TAIL(1) && TAIL(2)) {
        uint32_t code = (c & 0x0F) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3F);
        if (code < 0x800) return -1;
        *length = 3;
        return (int32_t)code; /* a surrogate too: JSON may hold one, and it has a place among the words */
    }
    if (c >= 0xF0 && c <= 0xF4 && left >= 3 && TAIL(1) && TAIL(2) && TAIL(3)) {
        uint32_t code = (c & 0x07) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3F);
        if (code < 0x10000 || code >= CODES) return -1;
        *length = 4;
        return (int32_t)code;
    }
#undef TAIL
    return -1;
}

/* Where a sentence stands between two characters. */
typedef struct {
    int64_t n;
    unsigned shift; /* of an entry, for the id of a Han token that follows */
    Part part;
} Walk;

INLINE void put_token(const Table *t, Walk *w, uint64_t entry, void *out, unsigned marking, int wide) {
    if (w->part.size) {
        w->n = flush_part(t, &w->part, out, w->n, wide);
        w->shift = 0;
    }
    put(out, w->n++, (uint32_t)(entry >> w->shift) & LARGEST_ID, wide);
    w->shift = (unsigned)(entry >> 48) & marking;
}

static void put_replaced(const Table *t, Walk *w, uint64_t entry, void *out, unsigned marking, int wide) {
    const uint32_t *run = t->replaced + (entry & 0xFFFFFFFF);
    for (uint32_t k = 1; k <= *run; k++) {
        uint64_t other;
        if (!run[k]) {
            w->part.run = w->part.size;
        } else if (run[k] >> 24) {
            add_mark(&w->part, run[k]);
        } else if (DOES(other = t->entries[run[k]]) == DO_TOKEN) {
            put_token(t, w, other, out, marking, wide);
        } else {
            add_letter(&w->part, run[k]);
        }
    }
}

/* Tokens of their own in three bytes: nearly all of Chinese text. Stops at anything else. One space is a border. */
INLINE const uint8_t *cut_run(const Table *t, Walk *w, const uint8_t *p, const uint8_t *end, void *out,
                              unsigned marking, int wide) {
    int64_t n = w->n;
    unsigned shift = w->shift;
    while (end - p >= 3) {
        uint32_t a = p[0], b = p[1], c = p[2];
        uint32_t code = (a & 0x0F) << 12 | (b & 0x3F) << 6 | (c & 0x3F);
        if ((a & 0xF0) != 0xE0 || ((b ^ 0x80) | (c ^ 0x80)) > 0x3F || code < 0x800) break;
        uint64_t entry = t->entries[code];
        if (DOES(entry) != DO_TOKEN) break;
        put(out, n++, (uint32_t)(entry >> shift) & LARGEST_ID, wide);
        unsigned border = p[3] == ' ';
        shift = (unsigned)(entry >> 48) & marking & (border - 1);
        p += 3 + border;
    }
    w->n = n;
    w->shift = shift;
    return p;
}

INLINE int64_t cut_as(const Table *t, const uint8_t *p, const uint8_t *end, void *out, unsigned marking, int wide,
                      Counts *count) {
    Walk w;
    w.n = w.part.size = w.part.run = 0;
    w.shift = 0;
    while (p < end) {
        if (*p >= 0xE0 && !w.part.size) {
            p = cut_run(t, &w, p, end, out, marking, wide);
            if (p == end) break;
        }
        if (*p == ' ') {
            const uint8_t *first = p;
            while (p < end && *p == ' ') p++;
            w.shift = 0; /* a border between words; of three spaces the middle one stands in the text */
            if (p - first >= 3 && w.part.size) w.n = flush_part(t, &w.part, out, w.n, wide);
            continue;
        }
        int length;
        int32_t code = decode(p, end, &length);
        p += length;
        if (code < 0) {
            count->invalid++;
            continue;
        }
        uint64_t entry = t->entries[code];
        switch (DOES(entry)) {
        case DO_LETTER: add_letter(&w.part, (uint32_t)entry); break;
        case DO_TOKEN: put_token(t, &w, entry, out, marking, wide); break;
        case DO_REPLACE: put_replaced(t, &w, entry, out, marking, wide); break;
        case DO_BARRIER: w.part.run = w.part.size; break;
        case DO_SPACE:
            if (w.part.size) w.n = flush_part(t, &w.part, out, w.n, wide), w.shift = 0;
            break;
        default: count->lone_surrogates += code >= 0xD800 && code <= 0xDFFF;
        }
    }
    return w.part.size ? flush_part(t, &w.part, out, w.n, wide) : w.n;
}

/* The ids go to `out`, uint16 or, if wide, int32; their number is returned. */
static int64_t cut(const Table *t, const uint8_t *p, const uint8_t *end, void *out, int wide, Counts *count) {
    unsigned marking = t->joined ? 0 : 0xFF;
    return wide ? cut_as(t, p, end, out, marking, 1, count) : cut_as(t, p, end, out, marking, 0, count);
}

#endif

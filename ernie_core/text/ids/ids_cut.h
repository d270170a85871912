/* A word-cut sentence to ids: normalisation, WordPiece and marks by position in one pass over its UTF-8.

   Bytes that are no UTF-8 are counted and dropped, and so are surrogates. The byte after the sentence must be readable
   and no space. A sentence of n bytes has at most n tokens. */
#ifndef ERNIE_IDS_CUT_H
#define ERNIE_IDS_CUT_H

#include "ids_part.h"

typedef struct {
    int64_t documents, dropped_documents, single_sentence_documents;
    int64_t sentences, dropped_sentences, long_sentences;
    int64_t tokens, unk, lone_surrogates, invalid;
} Counts;

/* A word of several tokens, all Han and written as they are. */
typedef struct {
    int32_t start, size; /* in tokens of the sentence */
} Span;

/* Such words of a sentence, in their order. */
typedef struct {
    Span *words; /* with room for one for each six bytes of the sentence, and one more */
    int64_t found;
    unsigned others; /* whether more words begin like that, but continue differently */
} Spans;

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
    int64_t start;  /* of the word, in tokens */
    unsigned pure;  /* whether the word so far could become a Span */
    Part part;
} Walk;

INLINE void end_word(Walk *w, Spans *spans) {
    spans->words[spans->found] = (Span){(int32_t)w->start, (int32_t)(w->n - w->start)};
    spans->found += w->pure && w->n - w->start > 1;
}

/* Something is in the word that is no such Han token. */
INLINE void spoil_word(Walk *w, Spans *spans) {
    spans->others |= w->pure && w->n > w->start;
    w->pure = 0;
}

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
INLINE const uint8_t *cut_run(const Table *t, Walk *walk, const uint8_t *p, const uint8_t *end, void *out,
                              unsigned marking, int wide, Spans *spans) {
    Walk w; /* in registers, without the part */
    w.n = walk->n, w.shift = walk->shift, w.start = walk->start, w.pure = walk->pure;
    while (end - p >= 3) {
        uint32_t a = p[0], b = p[1], c = p[2];
        uint32_t code = (a & 0x0F) << 12 | (b & 0x3F) << 6 | (c & 0x3F);
        if ((a & 0xF0) != 0xE0 || ((b ^ 0x80) | (c ^ 0x80)) > 0x3F || code < 0x800) break;
        uint64_t entry = t->entries[code];
        if (DOES(entry) != DO_TOKEN) break;
        put(out, w.n, (uint32_t)(entry >> w.shift) & LARGEST_ID, wide);
        unsigned border = p[3] == ' ';
        w.shift = (unsigned)(entry >> 48) & marking & (border - 1);
        if (spans) { /* without a branch, as words end where nobody can foresee it */
            unsigned itself = (entry & ITSELF) != 0;
            spans->others |= w.pure & !itself & (w.n > w.start);
            w.pure &= itself;
            spans->words[spans->found] = (Span){(int32_t)w.start, (int32_t)(w.n + 1 - w.start)};
            spans->found += w.pure & border & (w.n > w.start);
            w.start = border ? w.n + 1 : w.start;
            w.pure |= border;
        }
        w.n++;
        p += 3 + border;
    }
    walk->n = w.n, walk->shift = w.shift, walk->start = w.start, walk->pure = w.pure;
    return p;
}

/* Whether a token of its own begins at p: three bytes or more. */
INLINE int begins_token(const Table *t, const uint8_t *p, const uint8_t *end) {
    int length;
    int32_t code = decode(p, end, &length);
    return code >= 0 && DOES(t->entries[code]) == DO_TOKEN;
}

INLINE int64_t cut_as(const Table *t, const uint8_t *p, const uint8_t *end, void *out, unsigned marking, int wide,
                      Counts *count, Spans *spans) {
    Walk w;
    w.n = w.part.size = w.part.run = w.start = 0;
    w.shift = 0;
    w.pure = 1;
    while (p < end) {
        if (*p >= 0xE0) {
            if (w.part.size && begins_token(t, p, end)) {
                w.n = flush_part(t, &w.part, out, w.n, wide);
                w.shift = 0;
                if (w.pure) w.start = w.n;
            }
            if (!w.part.size) p = cut_run(t, &w, p, end, out, marking, wide, spans);
            if (p == end) break;
        }
        if (*p == ' ') {
            const uint8_t *first = p;
            while (p < end && *p == ' ') p++;
            w.shift = 0; /* a border between words; of three spaces the middle one stands in the text */
            if (p - first >= 3 && w.part.size) w.n = flush_part(t, &w.part, out, w.n, wide);
            if (spans) end_word(&w, spans), w.start = w.n, w.pure = 1;
            continue;
        }
        if (spans) spoil_word(&w, spans);
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
    if (spans) end_word(&w, spans);
    return w.part.size ? flush_part(t, &w.part, out, w.n, wide) : w.n;
}

/* The ids go to `out`, uint16 or, if wide, int32; their number is returned. */
static int64_t cut(const Table *t, const uint8_t *p, const uint8_t *end, void *out, int wide, Counts *count) {
    return wide ? cut_as(t, p, end, out, SHIFT, 1, count, NULL) : cut_as(t, p, end, out, SHIFT, 0, count, NULL);
}

#endif

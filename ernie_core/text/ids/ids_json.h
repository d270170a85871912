/* A JSON string of word-cut text to ids: the escapes are undone on the way, newlines end sentences. */
#ifndef ERNIE_IDS_JSON_H
#define ERNIE_IDS_JSON_H

#include "ids_set.h"
#if defined(__SSE2__) && !defined(WITHOUT_SIMD)
#define WITH_SSE2
#include <emmintrin.h>
#endif

#define LONG_SENTENCE 512

/* What has been encoded so far. */
typedef struct {
    uint8_t *ids; /* uint16 or int32 */
    int64_t room; /* ids that there is memory for */
    int32_t *lens;
    int64_t lens_room;
    int64_t *docs; /* sentences of each document */
    int64_t docs_room;
    uint8_t *scratch; /* an unescaped sentence */
    int64_t scratch_room;
    Set set; /* for marking by the set of words only */
    Counts count;
    int wide;
    int failed; /* for want of memory */
} Batch;

static void free_batch(Batch *b) {
    if (!b) return;
    free(b->ids), free(b->lens), free(b->docs), free(b->scratch), free_set(&b->set);
    free(b);
}

static void add_sentence(const Table *t, Batch *b, const uint8_t *p, const uint8_t *end) {
    Counts *c = &b->count;
    int width = b->wide ? 4 : 2;
    if (p == end || b->failed) return;
    /* An id for each byte, and none of more than int32 of them: `lens` holds no more. */
    if (end - p > INT32_MAX || grow(&b->ids, &b->room, c->tokens + (end - p), width) ||
        grow(&b->lens, &b->lens_room, c->sentences + 1, sizeof *b->lens)) {
        b->failed = 1;
        return;
    }
    void *out = b->ids + c->tokens * width;
    int64_t n = t->joined ? cut_by_set(t, &b->set, p, end, out, b->wide, c) : cut(t, p, end, out, b->wide, c);
    if (n < 0) {
        b->failed = 1;
        return;
    }
    if (!n) {
        c->dropped_sentences++;
        return;
    }
    int64_t unk = 0;
    if (b->wide) for (int64_t k = 0; k < n; k++) unk += ((int32_t *)out)[k] == (int32_t)t->unk;
    else for (int64_t k = 0; k < n; k++) unk += ((uint16_t *)out)[k] == t->unk;
    c->unk += unk;
    c->long_sentences += n > LONG_SENTENCE;
    c->tokens += n;
    b->lens[c->sentences++] = (int32_t)n;
}

static void end_document(Batch *b, const Counts *before) {
    Counts *c = &b->count;
    int64_t sentences = c->sentences - before->sentences;
    if (!sentences) c->dropped_documents++;
    else if (grow(&b->docs, &b->docs_room, c->documents + 1, sizeof *b->docs)) b->failed = 1;
    else b->docs[c->documents++] = sentences;
    c->single_sentence_documents += sentences == 1;
}

/* A document that is already text, a sentence a line; surrogates may stand in it as three bytes. */
static void add_text(const Table *t, Batch *b, const uint8_t *p, const uint8_t *end) {
    Counts before = b->count;
    for (const uint8_t *stop; p <= end; p = stop + 1) {
        stop = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        if (!stop) stop = end;
        add_sentence(t, b, p, stop);
    }
    end_document(b, &before);
}

static inline const uint8_t *skip_space(const uint8_t *p, const uint8_t *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) p++;
    return p;
}

/* The first byte that is not simply part of a string: a quote, a backslash, a control, or the end. */
static inline const uint8_t *plain_end(const uint8_t *p, const uint8_t *end) {
#ifdef WITH_SSE2
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(0x1F);
    for (; end - p >= 16; p += 16) {
        __m128i b = _mm_loadu_si128((const __m128i *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(b, quote), _mm_cmpeq_epi8(b, slash));
        int found = _mm_movemask_epi8(_mm_or_si128(hit, _mm_cmpeq_epi8(_mm_max_epu8(b, low), low)));
        if (found) return p + __builtin_ctz((unsigned)found);
    }
#else
    const uint64_t ones = 0x0101010101010101ull, tops = 0x8080808080808080ull;
    for (uint64_t b; end - p >= 8; p += 8) {
        memcpy(&b, p, 8);
        uint64_t q = b ^ ones * '"', s = b ^ ones * '\\';
        if ((((q - ones) & ~q) | ((s - ones) & ~s) | ((b - ones * 0x20) & ~b)) & tops) break;
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && *p >= 0x20) p++;
    return p;
}

static int32_t hex4(const uint8_t *p, const uint8_t *end) {
    int32_t value = 0;
    if (end - p < 4) return -1;
    for (int k = 0; k < 4; k++) {
        int c = p[k], digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

static uint8_t *write_code(uint8_t *to, uint32_t c) {
    if (c < 0x80) return *to = (uint8_t)c, to + 1;
    if (c < 0x800) *to++ = (uint8_t)(0xC0 | c >> 6);
    else if (c < 0x10000) *to++ = (uint8_t)(0xE0 | c >> 12), *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    else {
        *to++ = (uint8_t)(0xF0 | c >> 18), *to++ = (uint8_t)(0x80 | (c >> 12 & 0x3F));
        *to++ = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    }
    *to++ = (uint8_t)(0x80 | (c & 0x3F));
    return to;
}

/* Reads the escape after the backslash at *p; its code point, or -1 if it is none. Two surrogates that fit are one. */
static int32_t read_escape(const uint8_t **p, const uint8_t *end) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const uint8_t *at = *p + 1;
    if (at >= end) return -1;
    if (*at != 'u') {
        const char *name = *at ? strchr(names, *at) : NULL;
        *p = at + 1;
        return name ? values[name - names] : -1;
    }
    int32_t code = hex4(at + 1, end), low = -1;
    at += 5;
    if (code >= 0xD800 && code <= 0xDBFF && end - at >= 6 && at[0] == '\\' && at[1] == 'u') low = hex4(at + 2, end);
    if (low >= 0xDC00 && low <= 0xDFFF) {
        code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
        at += 6;
    }
    *p = at;
    return code;
}

/* Unescapes a sentence, of which `start`..`p` is plain, into the scratch; *size is its length. Where it ends, at a quote
   or after a newline that was escaped, or NULL. */
static const uint8_t *unescape(Batch *b, const uint8_t *start, const uint8_t *p, const uint8_t *end, int64_t *size) {
    *size = 0;
    for (;;) {
        /* No escape is shorter than what it stands for, and each piece between two of them has room to spare. */
        if (grow(&b->scratch, &b->scratch_room, *size + (p - start) + 8, 1)) return b->failed = 1, NULL;
        memcpy(b->scratch + *size, start, (size_t)(p - start));
        *size += p - start;
        if (p == end || *p < 0x20) return NULL;
        int32_t code = *p == '"' ? -2 : read_escape(&p, end);
        if (code == -1) return NULL;
        b->scratch[*size] = 0;
        if (code == -2 || code == '\n') return p;
        *size = write_code(b->scratch + *size, (uint32_t)code) - b->scratch;
        start = p;
        p = plain_end(p, end);
    }
}

/* The sentences of the string that begins at p; where it ends, after the quote, or NULL if it is no string. */
static const uint8_t *add_string(const Table *t, Batch *b, const uint8_t *p, const uint8_t *end) {
    for (;;) {
        const uint8_t *stop = plain_end(p, end);
        if (stop == end || *stop < 0x20) return NULL;
        if (*stop == '\\' && !(end - stop > 1 && stop[1] == 'n')) {
            int64_t size;
            p = unescape(b, p, stop, end, &size);
            if (!p) return NULL;
            add_sentence(t, b, b->scratch, b->scratch + size);
            if (p < end && *p == '"') return p + 1;
            continue;
        }
        add_sentence(t, b, p, stop);
        if (*stop == '"') return stop + 1;
        p = stop + 2;
    }
}

#endif

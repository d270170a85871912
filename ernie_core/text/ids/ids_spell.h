/* Whatever the words are: compares the letters of tokens and words, through a hash table of the words. */
#ifndef ERNIE_IDS_SPELL_H
#define ERNIE_IDS_SPELL_H

#include "ids_cut.h"

#define WORD_TOKENS 6 /* longer words are not looked for */

static int grow(void *buffer, int64_t *room, int64_t wanted, int64_t item) {
    if (wanted <= *room) return 0;
    if (wanted < 2 * *room) wanted = 2 * *room;
    void *larger = realloc(*(void **)buffer, (size_t)(wanted * item));
    if (!larger) return -1;
    *(void **)buffer = larger;
    *room = wanted;
    return 0;
}

typedef struct {
    const uint8_t *start;
    uint64_t hash;
    int64_t size;
} Word;

/* An open hash table that keeps its memory from sentence to sentence. */
typedef struct {
    Word *words;
    int64_t slots, room;
    uint64_t sizes; /* a bit for each size in bytes that some word has; the last for all from 63 on */
} Words;

static inline uint64_t size_bit(int64_t size) { return 1ull << (size < 63 ? size : 63); }

static inline uint64_t hash_bytes(uint64_t hash, const uint8_t *p, int64_t size) {
    for (int64_t k = 0; k < size; k++) hash = hash * 0x100000001B3ull + p[k] + 1;
    return hash;
}

/* The length of the white space at p, by str.strip, or 0. */
static int space_at(const uint8_t *p, const uint8_t *end) {
    int length;
    int32_t c = decode(p, end, &length);
    int is = (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
             (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
    return is ? length : 0;
}

static void strip(const uint8_t **p, const uint8_t **end) {
    int size;
    while (*p < *end && (size = space_at(*p, *end))) *p += size;
    while (*p < *end) {
        const uint8_t *last = *end - 1;
        while (last > *p && *end - last < 3 && (*last & 0xC0) == 0x80) last--;
        size = space_at(last, *end);
        if (!size || last + size != *end) return;
        *end = last;
    }
}

/* Whether several tokens may spell the word, of which the first has a Han character. */
static int may_be_spelt(const uint8_t *p, const uint8_t *end) {
    int length;
    int32_t c = end - p > 3 ? decode(p, end, &length) : 0;
    return c >= 0x4E00 && c <= 0x9FA5;
}

static void add_word(Words *set, const uint8_t *p, int64_t size) {
    uint64_t hash = hash_bytes(0, p, size), mask = (uint64_t)set->slots - 1, at = mixed(hash) & mask;
    for (; set->words[at].start; at = (at + 1) & mask) {
        if (set->words[at].hash == hash && set->words[at].size == size && !memcmp(set->words[at].start, p, (size_t)size))
            return;
    }
    set->words[at] = (Word){p, hash, size};
    set->sizes |= size_bit(size);
}

/* 0, or -1 for want of memory. */
static int collect_words(Words *set, const uint8_t *p, const uint8_t *end) {
    int64_t spaces = 0, slots = 16;
    for (const uint8_t *q = p; q < end; q++) spaces += *q == ' ';
    while (slots < 2 * (spaces + 1)) slots *= 2;
    if (slots > set->room) {
        free(set->words);
        set->words = malloc((size_t)slots * sizeof *set->words);
        set->room = set->words ? slots : 0;
        if (!set->words) return -1;
    }
    /* All of the memory is used by a long sentence only: a short one clears and uses the first of its slots. */
    set->slots = slots;
    set->sizes = 0;
    memset(set->words, 0, (size_t)slots * sizeof *set->words);
    while (p < end) {
        const uint8_t *space = memchr(p, ' ', (size_t)(end - p)), *stop = space ? space : end;
        if (may_be_spelt(p, stop)) add_word(set, p, stop - p);
        p = stop + 1;
    }
    return 0;
}

static int is_word(const Table *t, const Words *set, const uint32_t *ids, int count, uint64_t hash, int64_t size) {
    uint64_t mask = (uint64_t)set->slots - 1;
    for (uint64_t at = mixed(hash) & mask; set->words[at].start; at = (at + 1) & mask) {
        const Word *word = set->words + at;
        if (word->hash != hash || word->size != size) continue;
        const uint8_t *p = word->start;
        int same = 1;
        for (int k = 0; k < count && same; k++) {
            int64_t length = t->starts[ids[k] + 1] - t->starts[ids[k]] - 1;
            same = !memcmp(p, t->tokens + t->starts[ids[k]], (size_t)length);
            p += length;
        }
        if (same) return 1;
    }
    return 0;
}

/* How many of the tokens, `left` at the most, spell the longest word. */
static int longest_word(const Table *t, const Words *set, const uint32_t *ids, int left) {
    uint64_t hashes[WORD_TOKENS + 1] = {0};
    int64_t sizes[WORD_TOKENS + 1] = {0};
    for (int k = 0; k < left; k++) {
        int64_t start = t->starts[ids[k]], length = t->starts[ids[k] + 1] - 1 - start;
        hashes[k + 1] = hash_bytes(hashes[k], t->tokens + start, length);
        sizes[k + 1] = sizes[k] + length;
    }
    for (int count = left; count > 1; count--) {
        if (set->sizes & size_bit(sizes[count]) && is_word(t, set, ids, count, hashes[count], sizes[count])) return count;
    }
    return 1;
}

/* Turns the n plain ids of a sentence into marked ones; 0, or -1 for want of memory. */
static int mark_by_spelling(const Table *t, Words *set, const uint8_t *p, const uint8_t *end, void *out, int64_t n,
                            int wide) {
    strip(&p, &end);
    if (collect_words(set, p, end)) return -1;
    for (int64_t at = 0; at < n;) {
        uint32_t ids[WORD_TOKENS] = {0};
        int left = n - at < WORD_TOKENS ? (int)(n - at) : WORD_TOKENS, count = 1;
        for (int k = 0; k < left; k++) ids[k] = get(out, at + k, wide);
        if (set->sizes && t->has_han[ids[0]]) count = longest_word(t, set, ids, left);
        for (int k = 1; k < count; k++) put(out, at + k, (uint32_t)t->joined[ids[k]], wide);
        at += count;
    }
    return 0;
}

#endif

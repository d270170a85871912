/* Marks as PaddleNLP's script sets them: wherever the tokens spell one of the words of the sentence.

   Where every word that could be spelt is nothing but Han, its tokens say all: an id is a character. Words are found by
   their first token. Other sentences are rare, and left to ids_spell.h. */
#ifndef ERNIE_IDS_SET_H
#define ERNIE_IDS_SET_H

#include "ids_spell.h"

#define SLOTS 4096
#define NO_WORD UINT32_MAX
#define MOST_ALIKE 32 /* words in one slot; more of them would cost more than spelling */

typedef struct {
    uint32_t ids[WORD_TOKENS];
    uint32_t size;
    uint32_t next; /* of the same slot and not longer, or NO_WORD */
} HanWord;

/* Keeps its memory from sentence to sentence. */
typedef struct {
    Spans spans;
    int64_t spans_room;
    HanWord *words;
    int64_t words_room;
    uint32_t found;
    uint32_t slots[SLOTS]; /* of words with that id in front; counts only if the word agrees, so it is never cleared */
    Words spelt;
} Set;

static void free_set(Set *set) { free(set->spans.words), free(set->words), free(set->spelt.words); }

static inline uint32_t *slot_of(Set *set, uint32_t id) {
    uint32_t *slot = set->slots + id % SLOTS;
    if (*slot >= set->found || set->words[*slot].ids[0] % SLOTS != id % SLOTS) *slot = NO_WORD;
    return slot;
}

/* Whether there is room in its slot. */
INLINE int add_han_word(Set *set, const void *out, Span span, int wide) {
    HanWord *new = set->words + set->found;
    for (int k = 0; k < span.size; k++) new->ids[k] = get(out, span.start + k, wide);
    uint32_t *link = slot_of(set, new->ids[0]);
    int alike = 0;
    for (; *link != NO_WORD; link = &set->words[*link].next) {
        const HanWord *word = set->words + *link;
        if (word->size < (uint32_t)span.size) break;
        if (word->size == (uint32_t)span.size && !memcmp(word->ids, new->ids, sizeof *word->ids * word->size)) return 1;
        if (++alike > MOST_ALIKE) return 0;
    }
    new->size = (uint32_t)span.size;
    new->next = *link;
    *link = set->found++;
    return 1;
}

/* Whether all words of the sentence found their place. */
INLINE int collect_han_words(Set *set, const void *out, int wide) {
    set->found = 0;
    for (int64_t k = 0; k < set->spans.found; k++) {
        Span span = set->spans.words[k];
        if (span.size <= WORD_TOKENS && !add_han_word(set, out, span, wide)) return 0;
    }
    return 1;
}

/* How many tokens from `at` on are the longest word that they begin with. */
INLINE int64_t longest_han_word(Set *set, const void *out, int64_t at, int64_t n, int wide) {
    for (uint32_t next = *slot_of(set, get(out, at, wide)); next != NO_WORD; next = set->words[next].next) {
        const HanWord *word = set->words + next;
        uint32_t k = 0;
        if (word->size > n - at) continue;
        while (k < word->size && word->ids[k] == get(out, at + k, wide)) k++;
        if (k == word->size) return k;
    }
    return 1;
}

INLINE void mark_han_words(const Table *t, Set *set, void *out, int64_t n, int wide) {
    for (int64_t at = 0, size; at < n; at += size) {
        size = longest_han_word(set, out, at, n, wide);
        for (int64_t k = 1; k < size; k++) put(out, at + k, (uint32_t)t->joined[get(out, at + k, wide)], wide);
    }
}

/* Whether the first or the last word loses white space, so that it is not the word that its tokens are. */
static int is_stripped(const uint8_t *p, const uint8_t *end) {
    while (p < end && *p == ' ') p++;
    while (p < end && end[-1] == ' ') end--;
    const uint8_t *first = p, *last = end;
    strip(&first, &last);
    return first != p || last != end;
}

INLINE int64_t cut_by_set_as(const Table *t, Set *set, const uint8_t *p, const uint8_t *end, void *out, int wide,
                             Counts *count) {
    Spans *spans = &set->spans;
    if (grow(&spans->words, &set->spans_room, (end - p) / 6 + 2, sizeof *spans->words)) return -1;
    spans->found = spans->others = 0;
    int64_t n = cut_as(t, p, end, out, 0, wide, count, spans);
    if (grow(&set->words, &set->words_room, spans->found + 1, sizeof *set->words)) return -1;
    if (spans->others || is_stripped(p, end) || !collect_han_words(set, out, wide))
        return mark_by_spelling(t, &set->spelt, p, end, out, n, wide) ? -1 : n;
    if (set->found) mark_han_words(t, set, out, n, wide);
    return n;
}

/* A sentence to ids, as `cut` does it, but with these marks; -1 for want of memory. */
static int64_t cut_by_set(const Table *t, Set *set, const uint8_t *p, const uint8_t *end, void *out, int wide,
                          Counts *count) {
    return wide ? cut_by_set_as(t, set, p, end, out, 1, count) : cut_by_set_as(t, set, p, end, out, 0, count);
}

#endif

/* What the kernel knows of a vocabulary and of Unicode: an entry for each code point, and a trie of the tokens. */
#ifndef ERNIE_IDS_TABLE_H
#define ERNIE_IDS_TABLE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CODES 0x110000
#define LARGEST_ID 0xFFFFFF
#define LONGEST_PART 100

/* The kinds of unicode_table.py. */
enum { KIND_DROP, KIND_BARRIER, KIND_SPACE, KIND_LETTER, KIND_ALONE, KIND_IDEOGRAPH, KIND_REPLACED };

/* An entry is 64 bits: what to do in the upper 8, and its operand. A token of its own has its plain id in bits 0..23, the
   id with a mark in 24..47, in 48..52 the shift that finds the id of a Han token that follows in the same word, and in 53
   whether it is a Han token that is written just like the code point itself. */
enum { DO_DROP, DO_BARRIER, DO_SPACE, DO_LETTER, DO_REPLACE, DO_TOKEN };
#define DOES(entry) ((unsigned)((entry) >> 56))
#define ENTRY(act, operand) ((uint64_t)(act) << 56 | (uint64_t)(operand))
#define SHIFT 0x1F
#define ITSELF ((uint64_t)1 << 53)

typedef struct {
    uint64_t key; /* parent << 21 | code point; 0 is free */
    uint32_t child;
    int32_t id; /* of the token that ends here, or -1 */
} Edge;

typedef struct {
    uint64_t *entries;
    const uint32_t *replaced; /* runs of code, count, (combining class << 24 | code)... */
    Edge *edges;
    uint64_t edge_mask;
    uint32_t nodes;
    uint32_t unk;
    uint32_t size; /* of the vocabulary */
    /* For marking by the set of words only. */
    const uint8_t *tokens;
    const int64_t *starts; /* token n is tokens[starts[n] : starts[n + 1] - 1] */
    const int32_t *joined; /* id -> id of `##` and the token; NULL when marks go by position */
    const uint8_t *has_han;
} Table;

enum { ROOT = 1, CONTINUED = 2 };

static inline uint64_t mixed(uint64_t key) {
    key *= 0x9E3779B97F4A7C15ull;
    return key ^ key >> 29;
}

static inline const Edge *find_edge(const Table *t, uint32_t node, uint32_t code) {
    uint64_t key = (uint64_t)node << 21 | code;
    for (uint64_t at = mixed(key) & t->edge_mask;; at = (at + 1) & t->edge_mask) {
        const Edge *edge = t->edges + at;
        if (edge->key == key) return edge;
        if (!edge->key) return NULL;
    }
}

static Edge *make_edge(Table *t, uint32_t node, uint32_t code) {
    uint64_t key = (uint64_t)node << 21 | code, at = mixed(key) & t->edge_mask;
    while (t->edges[at].key && t->edges[at].key != key) at = (at + 1) & t->edge_mask;
    Edge *edge = t->edges + at;
    if (!edge->key) *edge = (Edge){key, ++t->nodes, -1};
    return edge;
}

/* One code point of UTF-8 that Python wrote; p is moved on. Never used on bytes from outside. */
static inline uint32_t next_code(const uint8_t **p) {
    uint32_t c = *(*p)++;
    if (c < 0x80) return c;
    int more = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    c &= 0x3F >> more;
    while (more--) c = c << 6 | (*(*p)++ & 0x3F);
    return c;
}

static void add_token(Table *t, const uint8_t *p, const uint8_t *end, int32_t id) {
    uint32_t node = ROOT;
    if (end - p > 2 && p[0] == '#' && p[1] == '#') node = CONTINUED, p += 2;
    Edge *edge = NULL;
    while (p < end) {
        edge = make_edge(t, node, next_code(&p));
        node = edge->child;
    }
    if (edge) edge->id = id;
}

static uint64_t token_entry(const Table *t, uint32_t code, const int32_t *marked) {
    const Edge *edge = find_edge(t, ROOT, code);
    uint64_t plain = edge && edge->id >= 0 ? (uint64_t)edge->id : t->unk;
    int is_han = code >= 0x4E00 && code <= 0x9FA5 && marked[plain] >= 0;
    uint64_t other = is_han ? (uint64_t)marked[plain] : plain;
    return ENTRY(DO_TOKEN, plain | other << 24 | (is_han ? (uint64_t)24 << 48 | ITSELF : 0));
}

static void fill_entries(Table *t, const uint8_t *kinds, const int32_t *marked, int64_t words_of_replaced) {
    for (uint32_t code = 0; code < CODES; code++) {
        int kind = kinds[code];
        if (kind == KIND_DROP) continue; /* calloc has done it, and untouched pages cost nothing */
        if (kind == KIND_BARRIER) t->entries[code] = ENTRY(DO_BARRIER, 0);
        if (kind == KIND_SPACE) t->entries[code] = ENTRY(DO_SPACE, 0);
        if (kind == KIND_LETTER) t->entries[code] = ENTRY(DO_LETTER, code);
        if (kind == KIND_ALONE || kind == KIND_IDEOGRAPH) t->entries[code] = token_entry(t, code, marked);
    }
    for (int64_t at = 0; at < words_of_replaced; at += 2 + t->replaced[at + 1]) {
        uint32_t code = t->replaced[at], count = t->replaced[at + 1], first = t->replaced[at + 2];
        int simple = count == 1 && first && first < CODES && kinds[first] != KIND_REPLACED;
        t->entries[code] = simple ? t->entries[first] & ~ITSELF : ENTRY(DO_REPLACE, at + 1);
    }
}

static void free_table(Table *t) {
    if (!t) return;
    free(t->entries);
    free(t->edges);
    free(t);
}

/* The arrays must outlive the table. Tokens end in '\n' each; `marked` is id -> id with a mark, or -1. */
static Table *make_table(const uint8_t *tokens, const int64_t *starts, int64_t count, const uint8_t *kinds,
                         const uint32_t *replaced, int64_t words_of_replaced, const int32_t *marked, uint32_t unk) {
    Table *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    uint64_t slots = 1024;
    while (slots < 2 * (uint64_t)starts[count]) slots *= 2; /* a token has at most as many edges as bytes */
    t->entries = calloc(CODES, sizeof *t->entries);
    t->edges = calloc(slots, sizeof *t->edges);
    if (!t->entries || !t->edges) return free_table(t), NULL;
    t->edge_mask = slots - 1;
    t->nodes = CONTINUED;
    t->replaced = replaced;
    t->unk = unk;
    t->size = (uint32_t)count;
    t->tokens = tokens;
    t->starts = starts;
    for (int64_t n = 0; n < count; n++) add_token(t, tokens + starts[n], tokens + starts[n + 1] - 1, (int32_t)n);
    fill_entries(t, kinds, marked, words_of_replaced);
    return t;
}

#endif

/* Fuzzes the kernel of token ids: whatever the bytes are, it must neither read nor write out of bounds.

   The first byte chooses width, marking and whether the rest is text or JSON lines. Input is copied to memory of just
   its size, so that a read behind it is caught. */
#include <assert.h>

#include "ids_lines.h"

#include "fuzz_tables.h" /* written by run.py: a vocabulary and the Unicode tables */

static Table *tables[2];

static void set_up(void) {
    for (int k = 0; k < 2; k++) {
        tables[k] = make_table(fuzz_tokens, fuzz_starts, FUZZ_TOKENS, fuzz_kinds, fuzz_replaced,
                               sizeof fuzz_replaced / sizeof *fuzz_replaced, fuzz_marked, 4);
        assert(tables[k]);
    }
    tables[1]->joined = fuzz_joined;
    tables[1]->has_han = fuzz_has_han;
}

static void check(const Batch *b, int64_t size) {
    const Counts *c = &b->count;
    int64_t tokens = 0, sentences = 0;
    for (int64_t k = 0; k < c->sentences; k++) assert(b->lens[k] > 0), tokens += b->lens[k];
    for (int64_t k = 0; k < c->documents; k++) assert(b->docs[k] > 0), sentences += b->docs[k];
    assert(tokens == c->tokens && sentences == c->sentences && tokens <= size);
    for (int64_t k = 0; k < c->tokens; k++)
        assert((b->wide ? (int64_t)((int32_t *)b->ids)[k] : ((uint16_t *)b->ids)[k]) < FUZZ_IDS);
}

static void run(const Table *table, const uint8_t *data, size_t size, int wide, int is_text) {
    /* As Python's bytes: one more byte, which is 0. */
    uint8_t *copy = calloc(1, size + 1);
    Batch *batch = calloc(1, sizeof *batch);
    memcpy(copy, data, size);
    batch->wide = wide;
    if (is_text) add_text(table, batch, copy, copy + size);
    for (const uint8_t *p = copy; !is_text && p < copy + size;) {
        p = read_lines(table, batch, p, copy + size);
        /* A line that Python is asked about is passed by. */
        const uint8_t *line = p < copy + size ? memchr(p, '\n', (size_t)(copy + size - p)) : NULL;
        p = line ? line + 1 : copy + size;
    }
    assert(!batch->failed || size > INT32_MAX); /* a sentence of so many bytes is refused */
    check(batch, (int64_t)size);
    free_batch(batch);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!tables[0]) set_up();
    if (size) run(tables[data[0] & 1], data + 1, size - 1, data[0] >> 1 & 1, data[0] >> 2 & 1);
    return 0;
}

#include "main.h"

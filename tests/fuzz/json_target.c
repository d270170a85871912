/* Fuzzes the reading of JSON alone: strings are unescaped and values passed by without a read out of bounds, and both
   agree on where a string ends. */
#include <assert.h>

#include "ids_lines.h"

static const uint8_t *slow_plain_end(const uint8_t *p, const uint8_t *end) {
    while (p < end && *p != '"' && *p != '\\' && *p >= 0x20) p++;
    return p;
}

/* Unescapes a string, sentence by sentence; where it ends, or NULL. */
static const uint8_t *unescape_all(Batch *b, const uint8_t *p, const uint8_t *end) {
    for (;;) {
        int64_t size;
        const uint8_t *start = p, *plain = plain_end(p, end);
        assert(plain == slow_plain_end(p, end));
        p = unescape(b, start, plain, end, &size);
        if (!p) return NULL;
        assert(size <= p - start && size < b->scratch_room);
        if (p < end && *p == '"') return p + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* As Python's bytes: one more byte, which is 0. */
    uint8_t *copy = (uint8_t *)calloc(1, size + 1);
    Batch *batch = (Batch *)calloc(1, sizeof *batch);
    const uint8_t *end = copy + size;
    memcpy(copy, data, size);
    const uint8_t *unescaped = unescape_all(batch, copy, end), *skipped = skip_string(copy, end);
    /* What is passed by must be UTF-8 too; of a text, that is found out later. */
    assert(!batch->failed && (!skipped || skipped == unescaped));
    const uint8_t *value = skip_value(skip_space(copy, end), end, 0);
    assert(!value || (value > copy && value <= end));
    free_batch(batch);
    free(copy);
    return 0;
}

#include "main.h"

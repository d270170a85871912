/* Rows of the index map to samples, and samples to a padded batch: what samples.py has as `draw` and `collate`. */
#ifndef ERNIE_SAMPLES_DRAW_H
#define ERNIE_SAMPLES_DRAW_H

#include <stdlib.h>

#include "samples_mask.h"

/* A row of the index map, found in its corpus. */
typedef struct {
    int64_t tokens;  /* address of the first one */
    int64_t bytes;   /* of a token: 2 unsigned, or 4 */
    int64_t offsets; /* address of the places of the sentences in the corpus, int64, one more than there are */
    int64_t sentences, target, seed;
} Row;

/* What is known of a sample when it is drawn. */
typedef struct {
    int64_t length;
    int64_t second; /* where the second segment begins; `length` if there is none */
    int64_t order;
    int64_t count; /* of positions to predict */
} Facts;

enum { NO_MEMORY = -1, NO_ID = -2, NO_ORDER = -3 };

typedef struct {
    int64_t begin, end;
} Span;

/* Take tokens from the longer span, from either end at random, until both fit. */
static void truncate_spans(Work *w, Span *a, Span *b, int64_t target) {
    int64_t surplus = a->end - a->begin + b->end - b->begin - target;
    for (; surplus > 0; surplus--) {
        Span *longer = a->end - a->begin > b->end - b->begin ? a : b;
        int front = fraction(&w->dice) < 0.5;
        longer->begin += front;
        longer->end -= !front;
    }
}

/* Adds a span to `marked`; NO_ID if it holds an id beyond the vocabulary, which is put into `foreign`. */
static int64_t add(const Rules *rules, Work *w, const Row *row, Span span, int64_t *foreign) {
    const uint16_t *narrow = (const uint16_t *)(intptr_t)row->tokens;
    const int32_t *wide = (const int32_t *)(intptr_t)row->tokens;
    for (int64_t k = span.begin; k < span.end; k++) {
        int32_t id = row->bytes == 2 ? narrow[k] : wide[k];
        if (id < 0 || id >= rules->extended) {
            *foreign = id;
            return NO_ID;
        }
        w->marked[w->length++] = id;
    }
    return 0;
}

static int64_t draw_one(const Rules *rules, const Row *row, Work *w, int64_t *ids, Facts *facts, int64_t *foreign) {
    const int64_t *places = (const int64_t *)(intptr_t)row->offsets;
    int64_t cut = row->sentences;
    seed32(&w->dice, (uint32_t)row->seed);
    facts->order = 0;
    if (rules->binary_head) {
        cut = row->sentences < 3 ? 1 : 1 + at_most(&w->dice, (uint32_t)row->sentences - 2);
        facts->order = fraction(&w->dice) < 0.5;
    }
    if (places[cut] < places[0] || places[row->sentences] < places[cut]) return NO_ORDER;
    Span a = {0, places[cut] - places[0]}, b = {a.end, places[row->sentences] - places[0]};
    if (facts->order) {
        Span held = a;
        a = b;
        b = held;
    }
    truncate_spans(w, &a, &b, row->target);
    w->length = 0;
    w->marked[w->length++] = (int32_t)rules->cls;
    if (add(rules, w, row, a, foreign)) return NO_ID;
    w->marked[w->length++] = (int32_t)rules->sep;
    facts->second = w->length;
    if (add(rules, w, row, b, foreign)) return NO_ID;
    if (w->length > facts->second) w->marked[w->length++] = (int32_t)rules->sep;
    facts->length = w->length;
    facts->count = mask(rules, w, row->target, ids);
    return 0;
}

/* The samples of rows one after the other: ids of sample k from ids[k * longest] on, positions and labels densely. How
   many positions there are; or NO_ID with the number of the row and the id in `foreign`, NO_ORDER with the number of a
   row whose places go backwards, NO_MEMORY. */
static int64_t draw_rows(const Rules *rules, const Row *rows, int64_t count, int64_t *ids, Facts *facts,
                         int32_t *positions, int64_t *labels, int64_t *foreign) {
    int64_t room = rules->longest + 1, total = 0;
    int32_t *arrays = malloc(sizeof(int32_t) * 6 * (size_t)room);
    uint8_t *taken = malloc((size_t)room);
    Work w = {.marked = arrays, .where = arrays + room, .begin = arrays + 2 * room, .order = arrays + 3 * room,
              .moved = arrays + 4 * room, .origins = arrays + 5 * room, .taken = taken};
    if (!arrays || !taken) total = NO_MEMORY;
    for (int64_t k = 0; k < count && total >= 0; k++) {
        int64_t *here = ids + k * rules->longest;
        int64_t fault = draw_one(rules, rows + k, &w, here, facts + k, foreign + 1);
        if (fault) {
            foreign[0] = k;
            total = fault;
            break;
        }
        for (int32_t p = 0; p < w.length; p++) {
            if (!w.taken[p]) continue;
            positions[total] = p;
            labels[total++] = rules->fold[w.marked[p]];
        }
    }
    free(arrays);
    free(taken);
    return total;
}

/* The samples as a batch: rows of one width, padded with `pad`, and positions that count through all rows. */
static void lay(const Facts *facts, int64_t count, const int64_t *ids, int64_t longest, int64_t width, int64_t pad,
                int64_t *out, int64_t *types, int64_t *order, int32_t *positions) {
    for (int64_t k = 0; k < count; k++, ids += longest, out += width, types += width) {
        int64_t length = facts[k].length, second = facts[k].second, at = 0;
        for (; at < length; at++) out[at] = ids[at], types[at] = at >= second;
        for (; at < width; at++) out[at] = pad, types[at] = 0;
        order[k] = facts[k].order;
        for (int64_t p = 0; p < facts[k].count; p++) *positions++ += (int32_t)(k * width);
    }
}

#endif

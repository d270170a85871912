/* What a sample hides, as masking.py has it: draw for draw the same. */
#ifndef ERNIE_SAMPLES_MASK_H
#define ERNIE_SAMPLES_MASK_H

#include "samples_random.h"

typedef struct {
    const int64_t *fold;  /* of each id of a file: what the model sees */
    const uint8_t *joins; /* and whether it continues a word */
    int64_t extended;     /* how many ids a file may hold */
    int64_t size, cls, sep, mask;
    const double *sums; /* running chances of 1, 2, ... max_ngrams words */
    int64_t max_ngrams, longest;
    double prob;
    int binary_head, inplace, permute, always;
} Rules;

/* One sample in the making. Each array has room for `longest`, `begin` for one more. */
typedef struct {
    Twister32 dice;
    int64_t length; /* of `marked` */
    int64_t pieces, count;
    int32_t *marked; /* ids with marks of words, framed */
    int32_t *where;  /* positions that may be hidden; */
    int32_t *begin;  /* piece k is where[begin[k]:begin[k + 1]] */
    int32_t *order;  /* of pieces, shuffled */
    int32_t *moved, *origins;
    uint8_t *taken; /* of a position: whether it is to be predicted */
} Work;

static void cut_pieces(const Rules *rules, Work *w) {
    int64_t count = 0, pieces = 0;
    for (int64_t k = 0; k < w->length; k++) {
        int32_t id = w->marked[k];
        if (id == rules->cls || id == rules->sep) continue;
        if (!rules->joins[id] || !pieces) w->begin[pieces++] = (int32_t)count;
        w->where[count++] = (int32_t)k;
    }
    w->begin[pieces] = (int32_t)count;
    w->pieces = pieces;
}

/* The words of the n-gram that begins with a piece: cut to the budget, 0 if it does not fit or touches what is taken. */
static int64_t ngram(const Rules *rules, Work *w, int64_t start, int64_t count, double budget) {
    double u = fraction(&w->dice);
    int64_t n = 1;
    while (n < rules->max_ngrams && rules->sums[n - 1] <= u) n++;
    if (n > w->pieces - start) n = w->pieces - start;
    const int32_t *begin = w->begin + start;
    while (n > 1 && (double)(count + begin[n] - begin[0]) > budget) n--;
    if ((double)(count + begin[n] - begin[0]) > budget) return 0;
    for (int32_t k = begin[0]; k < begin[n]; k++)
        if (w->taken[w->where[k]]) return 0;
    return n;
}

static void hide(const Rules *rules, Work *w, int64_t *ids, int32_t position) {
    w->taken[position] = 1;
    if (fraction(&w->dice) < 0.8)
        ids[position] = rules->mask;
    else if (fraction(&w->dice) < 0.5)
        return;
    else if (rules->inplace)
        ids[position] = rules->fold[w->marked[at_most(&w->dice, (uint32_t)w->length - 1)]];
    else
        ids[position] = at_most(&w->dice, (uint32_t)rules->size - 1);
}

/* Choose n-grams up to the budget, and hide their tokens; or only collect them in `moved`. How many tokens. */
static int64_t choose(const Rules *rules, Work *w, int64_t *ids, double budget, int collect) {
    int64_t count = 0;
    for (int64_t k = 0; k < w->pieces && (double)count < budget; k++) {
        int64_t start = w->order[k], n = ngram(rules, w, start, count, budget);
        if (!n) continue;
        for (int32_t at = w->begin[start]; at < w->begin[start + n]; at++, count++) {
            if (!collect) hide(rules, w, ids, w->where[at]);
            else w->taken[w->where[at]] = 2;
        }
    }
    return count;
}

/* Words that change places: each position of a collected n-gram gets the token of another, or its own. */
static int64_t permute(const Rules *rules, Work *w, int64_t *ids, double budget) {
    shuffle32(&w->dice, w->order, w->pieces);
    int64_t count = choose(rules, w, ids, budget, 1), found = 0;
    for (int32_t k = 0; k < w->length; k++)
        if (w->taken[k] == 2) w->moved[found] = w->origins[found] = k, found++;
    shuffle32(&w->dice, w->origins, found);
    for (int64_t k = 0; k < found; k++) ids[w->moved[k]] = rules->fold[w->marked[w->origins[k]]];
    return count;
}

static int64_t hide_shortest(const Rules *rules, Work *w, int64_t *ids) {
    int32_t best = w->order[0];
    for (int64_t k = 1; k < w->pieces; k++) {
        int32_t other = w->order[k];
        if (w->begin[other + 1] - w->begin[other] < w->begin[best + 1] - w->begin[best]) best = other;
    }
    for (int32_t at = w->begin[best]; at < w->begin[best + 1]; at++) hide(rules, w, ids, w->where[at]);
    return w->begin[best + 1] - w->begin[best];
}

/* Python's round: half to even. */
static double rounded(double number) {
    int64_t whole = (int64_t)number;
    double rest = number - (double)whole;
    return (double)(whole + (rest > 0.5 || (rest == 0.5 && (whole & 1))));
}

/* From `marked` to what the model sees, and how many positions are taken. */
static int64_t mask(const Rules *rules, Work *w, int64_t target, int64_t *ids) {
    double budget = rounded((double)w->length * rules->prob), cap = rules->prob * (double)target;
    if (budget < 1) budget = 1;
    if (cap < budget) budget = cap;
    cut_pieces(rules, w);
    for (int64_t k = 0; k < w->length; k++) ids[k] = rules->fold[w->marked[k]], w->taken[k] = 0;
    for (int64_t k = 0; k < w->pieces; k++) w->order[k] = (int32_t)k;
    shuffle32(&w->dice, w->order, w->pieces);
    int64_t count = choose(rules, w, ids, budget, 0);
    if (rules->permute) count += permute(rules, w, ids, budget);
    if (!count && w->pieces && rules->always) count = hide_shortest(rules, w, ids);
    return count;
}

#endif

# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""A batch of samples in C, without the lock of the interpreter; `samples.py` has checked what stands behind addresses."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uintptr_t


cdef extern from "samples_draw.h" nogil:
    enum:
        NO_MEMORY
        NO_ORDER
    ctypedef struct Rules:
        const int64_t* fold
        const uint8_t* joins
        int64_t extended, size, cls, sep, mask
        const double* sums
        int64_t max_ngrams, longest
        double prob
        int binary_head, inplace, permute, always
    ctypedef struct Row:
        pass
    ctypedef struct Facts:
        pass
    int64_t draw_rows(const Rules* rules, const Row* rows, int64_t count, int64_t* ids, Facts* facts,
                      int32_t* positions, int64_t* labels, int64_t* foreign)
    void c_lay "lay"(const Facts* facts, int64_t count, const int64_t* ids, int64_t longest, int64_t width,
                     int64_t pad, int64_t* out, int64_t* types, int64_t* order, int32_t* positions)


def draw(words, masking, uintptr_t fold, uintptr_t joins, uintptr_t sums, uintptr_t rows, int64_t count, uintptr_t ids,
         uintptr_t facts, uintptr_t positions, uintptr_t labels):
    """The samples of `count` rows: how many positions they have to predict, a row that is at fault or -1, and why.

    A row is at fault for an id that it must not hold, or None if its offsets go backwards.
    """
    cdef Rules rules
    cdef int64_t found
    cdef int64_t foreign[2]
    foreign[0], foreign[1] = -1, 0
    rules.fold, rules.joins, rules.sums = <const int64_t*>fold, <const uint8_t*>joins, <const double*>sums
    rules.extended, rules.size = words.extended, words.size
    rules.cls, rules.sep, rules.mask = words.cls, words.sep, words.mask
    rules.max_ngrams, rules.longest, rules.prob = masking.max_ngrams, masking.max_seq_len, masking.masked_lm_prob
    rules.binary_head, rules.inplace = masking.binary_head, masking.inplace_random_mask
    rules.permute, rules.always = masking.do_permutation, masking.always_mask
    with nogil:
        found = draw_rows(&rules, <const Row*>rows, count, <int64_t*>ids, <Facts*>facts, <int32_t*>positions,
                          <int64_t*>labels, foreign)
    if found == NO_MEMORY:
        raise MemoryError
    return found, foreign[0], None if found == NO_ORDER else foreign[1]


def lay(uintptr_t facts, int64_t count, uintptr_t ids, int64_t longest, int64_t width, int64_t pad, uintptr_t out,
        uintptr_t types, uintptr_t order, uintptr_t positions):
    """Ids and types in rows of one width, the labels of the order, and positions that count through all rows."""
    with nogil:
        c_lay(<const Facts*>facts, count, <const int64_t*>ids, longest, width, pad, <int64_t*>out, <int64_t*>types,
              <int64_t*>order, <int32_t*>positions)

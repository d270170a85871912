# cython: language_level=3
"""The index map and the mixing of corpora in C; addresses come from `index.py`, which has checked the arrays."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t


cdef extern from "index_map.h" nogil:
    ctypedef struct Twister32:
        pass
    ctypedef struct Pass:
        Twister32 twister
        int64_t document
    ctypedef struct Data:
        const int64_t* docs
        const int32_t* lens
        int64_t documents
        int64_t sentences
        int64_t max_len
        int64_t ratio
        int64_t fewest
        int64_t longest
    void seed32(Twister32*, uint32_t)
    int64_t walk(Pass*, const Data*, void*, int64_t, int)
    void c_shuffle "shuffle"(void*, int64_t, uint64_t, int)


cdef extern from "index_mix.h" nogil:
    void mix(const double*, int64_t*, int64_t, int64_t, int64_t, uint8_t*, int64_t*)


cdef class Walk:
    """Passes over documents that pause when the buffer for rows is full."""

    cdef Pass at
    cdef Data data

    def __init__(self, uintptr_t docs, uintptr_t lens, int64_t documents, int64_t sentences, int64_t max_len,
                 int64_t ratio, uint32_t seed, int64_t fewest, int64_t longest):
        self.data = Data(<const int64_t*>docs, <const int32_t*>lens, documents, sentences, max_len, ratio, fewest,
                         longest)
        seed32(&self.at.twister, seed)
        self.at.document = 0

    @property
    def document(self):
        """The next document."""
        return self.at.document

    def again(self):
        """Restart at the first document; the random generator continues."""
        self.at.document = 0

    def fill(self, uintptr_t out, int64_t room, bint wide):
        """Write up to `room` rows to `out`, or only count them if it is 0; -1 if documents reach beyond sentences."""
        cdef int64_t rows
        with nogil:
            rows = walk(&self.at, &self.data, <void*>out, room, wide)
        return rows


def shuffle(uintptr_t rows, int64_t count, uint64_t seed, bint wide):
    """Shuffle rows in place."""
    with nogil:
        c_shuffle(<void*>rows, count, seed, wide)


def blend(uintptr_t weights, uintptr_t taken, int64_t corpora, int64_t first, int64_t size, uintptr_t chosen,
          uintptr_t numbers):
    """Choose a corpus for each of the samples first:first+size; `taken` is the state before and after."""
    with nogil:
        mix(<const double*>weights, <int64_t*>taken, corpora, first, size, <uint8_t*>chosen, <int64_t*>numbers)

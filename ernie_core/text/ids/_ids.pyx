# cython: language_level=3
"""The kernel that turns word-cut text into token ids; `kernel.py` is its face and checks what it hands over."""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc

cdef extern from "ids_lines.h" nogil:
    ctypedef struct Table:
        const int32_t* joined
        const uint8_t* has_han

    ctypedef struct Counts:
        int64_t documents, dropped_documents, single_sentence_documents
        int64_t sentences, dropped_sentences, long_sentences
        int64_t tokens, unk, lone_surrogates, invalid

    ctypedef struct Batch:
        uint8_t* ids
        int32_t* lens
        int64_t* docs
        Counts count
        int wide
        int failed

    Table* make_table(const uint8_t* tokens, const int64_t* starts, int64_t count, const uint8_t* kinds,
                      const uint32_t* replaced, int64_t words_of_replaced, const int32_t* marked, uint32_t unk)
    void free_table(Table* table)
    void free_batch(Batch* batch)
    void add_text(const Table* table, Batch* batch, const uint8_t* text, const uint8_t* end)
    const uint8_t* read_lines(const Table* table, Batch* batch, const uint8_t* lines, const uint8_t* end)


def build(bytes tokens, bytes starts, bytes kinds, bytes replaced, bytes marked, int64_t count, uint32_t unk,
          bytes joined, bytes has_han):
    """The table of a vocabulary. It refers to the arrays, which must live as long as it does."""
    cdef const uint8_t* text = <const uint8_t*>PyBytes_AsString(tokens)
    cdef const int64_t* places = <const int64_t*>PyBytes_AsString(starts)
    cdef const uint8_t* kind = <const uint8_t*>PyBytes_AsString(kinds)
    cdef const uint32_t* other = <const uint32_t*>PyBytes_AsString(replaced)
    cdef const int32_t* mark = <const int32_t*>PyBytes_AsString(marked)
    cdef int64_t size = len(replaced) // 4
    cdef Table* table
    with nogil:
        table = make_table(text, places, count, kind, other, size, mark, unk)
    if table == NULL:
        raise MemoryError("no memory for the tables of the vocabulary")
    if joined:
        table.joined = <const int32_t*>PyBytes_AsString(joined)
        table.has_han = <const uint8_t*>PyBytes_AsString(has_han)
    return PyCapsule_New(table, "ernie_core.text.table", destroy)


def encode(table, bytes data, int64_t start, bint is_text, bint wide):
    """The documents of whole JSON lines from a place on, or of one text: how far it came, and what was found.

    (place, ids, lens, sentences of each document, counts). It comes to the end or to a line that it does not read.
    """
    cdef const Table* known = <const Table*>PyCapsule_GetPointer(table, "ernie_core.text.table")
    cdef const uint8_t* begin = <const uint8_t*>PyBytes_AsString(data)
    cdef const uint8_t* end = begin + len(data)
    cdef const uint8_t* stop = end
    cdef Batch* batch = <Batch*>calloc(1, sizeof(Batch))
    if batch == NULL:
        raise MemoryError("no memory for token ids")
    batch.wide = wide
    try:
        with nogil:
            if is_text:
                add_text(known, batch, begin + start, end)
            else:
                stop = read_lines(known, batch, begin + start, end)
        if batch.failed:
            raise MemoryError(f"no memory for the token ids of {len(data) - start} bytes")
        return (
            stop - begin,
            PyBytes_FromStringAndSize(<const char*>batch.ids, batch.count.tokens * (4 if wide else 2)),
            PyBytes_FromStringAndSize(<const char*>batch.lens, batch.count.sentences * 4),
            PyBytes_FromStringAndSize(<const char*>batch.docs, batch.count.documents * 8),
            batch.count,
        )
    finally:
        free_batch(batch)


def count_lengths(bytes lens):
    """How many sentences have 1-8 tokens, 9-16, 17-32 and so on, and more than 512, given their lengths as int32."""
    cdef const int32_t* length = <const int32_t*>PyBytes_AsString(lens)
    cdef int64_t size = len(lens) // 4
    cdef int64_t at
    cdef int64_t[7] upto  # sentences that are no longer than that
    upto[:] = [0, 0, 0, 0, 0, 0, 0]
    with nogil:
        for at in range(size):
            upto[0] += length[at] <= 8
            upto[1] += length[at] <= 16
            upto[2] += length[at] <= 32
            upto[3] += length[at] <= 64
            upto[4] += length[at] <= 128
            upto[5] += length[at] <= 256
            upto[6] += length[at] <= 512
    return (upto[0], upto[1] - upto[0], upto[2] - upto[1], upto[3] - upto[2], upto[4] - upto[3], upto[5] - upto[4],
            upto[6] - upto[5], size - upto[6])


cdef void destroy(object capsule) noexcept:
    free_table(<Table*>PyCapsule_GetPointer(capsule, "ernie_core.text.table"))

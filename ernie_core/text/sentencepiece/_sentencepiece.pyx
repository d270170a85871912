# cython: language_level=3
# distutils: language = c++
# distutils: sources = ernie_core/text/sentencepiece/kernel.cpp ernie_core/text/sentencepiece/normaliser.cpp ernie_core/text/sentencepiece/trie.cpp
# distutils: depends = ernie_core/text/sentencepiece/kernel.hpp ernie_core/text/sentencepiece/normaliser.hpp
# distutils: depends = ernie_core/text/sentencepiece/trie.hpp ernie_core/text/sentencepiece/words.hpp
# distutils: extra_compile_args = -std=c++17
"""The kernel of ERNIE-M's tokenizer; `kernel.py` is its face, and `model.py` has checked what it is given."""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libcpp cimport bool as flag
from libcpp.memory cimport unique_ptr
from libcpp.vector cimport vector


cdef extern from "Python.h":
    ctypedef struct PyObject
    PyObject* PyList_GetItem(PyObject* held, Py_ssize_t at)
    list PyList_New(Py_ssize_t size)
    int PyList_SetItem(PyObject* held, Py_ssize_t at, PyObject* one) except -1
    void Py_IncRef(PyObject* one)


cdef extern from "words.hpp" namespace "sentencepiece" nogil:
    cdef cppclass Token:
        int32_t id
        uint32_t begin, end


cdef extern from "kernel.hpp" namespace "sentencepiece" nogil:
    cdef cppclass Given:
        const uint8_t* pieces
        const int64_t* piece_starts
        const float* scores
        const uint8_t* types
        int32_t count, unknown_piece
        const uint8_t* charsmap
        size_t charsmap_size
        flag dummy_prefix, squeeze
        const uint8_t* tokens
        const int64_t* token_starts
        int32_t token_count, unknown_token
        const uint32_t* digits
        size_t digit_runs

    cdef cppclass CKernel "sentencepiece::Kernel":
        CKernel(const Given& given) except +
        void ids(const uint8_t* text, size_t size, vector[int32_t]& found, vector[uint8_t]* begins) except +
        void trace(const uint8_t* text, size_t size, vector[Token]& found) except +
        size_t words_kept()


cdef class Kernel:
    """Pieces and tokens come one after the other, with where each begins, int64, and the end; scores are float32, digits
    uint32: the first and the last of each run."""

    cdef unique_ptr[CKernel] kernel
    cdef list numbers  # every id as an object, so that none is made for a token

    def __cinit__(self, bytes pieces, bytes piece_starts, bytes scores, bytes types, int32_t unknown_piece,
                  bytes charsmap, bint dummy_prefix, bint squeeze, bytes tokens, bytes token_starts,
                  int32_t unknown_token, bytes digits):
        cdef Given given
        given.pieces = <const uint8_t*>PyBytes_AsString(pieces)
        given.piece_starts = <const int64_t*>PyBytes_AsString(piece_starts)
        given.scores = <const float*>PyBytes_AsString(scores)
        given.types = <const uint8_t*>PyBytes_AsString(types)
        given.count, given.unknown_piece = <int32_t>len(types), unknown_piece
        given.charsmap, given.charsmap_size = <const uint8_t*>PyBytes_AsString(charsmap), len(charsmap)
        given.dummy_prefix, given.squeeze = dummy_prefix, squeeze
        given.tokens = <const uint8_t*>PyBytes_AsString(tokens)
        given.token_starts = <const int64_t*>PyBytes_AsString(token_starts)
        given.token_count, given.unknown_token = <int32_t>(len(token_starts) // 8 - 1), unknown_token
        given.digits, given.digit_runs = <const uint32_t*>PyBytes_AsString(digits), len(digits) // 8
        self.kernel.reset(new CKernel(given))
        self.numbers = list(range(given.token_count))

    def ids(self, list texts):
        """The ids of every text, given as bytes."""
        cdef vector[int32_t] found
        cdef bytes text
        cdef list rows = [], row
        cdef PyObject* number
        cdef size_t n
        for text in texts:
            found.clear()
            self.kernel.get().ids(<const uint8_t*>PyBytes_AsString(text), len(text), found, NULL)
            row = PyList_New(<Py_ssize_t>found.size())
            for n in range(found.size()):
                number = PyList_GetItem(<PyObject*>self.numbers, found[n])
                Py_IncRef(number)
                PyList_SetItem(<PyObject*>row, n, number)
            rows.append(row)
        return rows

    def flat(self, list texts):
        """The ids of all texts, one after the other, the number of each, int32, and for every token whether it begins a
        word, uint8; as bytes."""
        cdef vector[int32_t] found, counts
        cdef vector[uint8_t] begins
        cdef bytes text
        cdef size_t before
        for text in texts:
            before = found.size()
            self.kernel.get().ids(<const uint8_t*>PyBytes_AsString(text), len(text), found, &begins)
            counts.push_back(<int32_t>(found.size() - before))
        return (PyBytes_FromStringAndSize(<char*>found.data(), found.size() * 4),
                PyBytes_FromStringAndSize(<char*>counts.data(), counts.size() * 4),
                PyBytes_FromStringAndSize(<char*>begins.data(), begins.size()))

    def trace(self, bytes text):
        """For every token of a text its id, first byte, and the byte behind the last; int32 as bytes."""
        cdef vector[Token] found
        self.kernel.get().trace(<const uint8_t*>PyBytes_AsString(text), len(text), found)
        return PyBytes_FromStringAndSize(<char*>found.data(), found.size() * sizeof(Token))

    def words_kept(self):
        """Number of words in the cache."""
        return self.kernel.get().words_kept()

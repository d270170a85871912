# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""jieba's accurate mode in C: the most likely path through a dictionary, and a hidden Markov model for what it lacks.

Sums and ties are those of jieba 0.42.1 to the last bit: the same doubles, added in the same order.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL

cdef enum:
    FIRST_HAN = 0x4E00
    LAST_HAN = 0x9FD5
    MANY_HAN = LAST_HAN - FIRST_HAN + 1
    SYMBOLS = MANY_HAN + 128  # Han, then ASCII
    NODES = 1 << 20
    PARENT = 1 << 20  # the flag of a node with children
    NONE = 1  # in place of a logarithm of a probability, which is never above 0

cdef struct Out:
    char* text
    int64_t size
    int64_t room
    int64_t words
    bint first  # of its sentence
    bint plain  # ends of words instead of JSON

cdef struct Machine:
    double single[SYMBOLS]  # weight of a symbol alone
    uint32_t child[SYMBOLS]  # its node if some word begins with it, 0 if none does
    double emit[MANY_HAN][4]  # states in the order B M E S
    double start[4]
    double trans[4][4]
    double unseen
    uint64_t* slots  # parent << 36 | symbol << 21 | PARENT | node, 0 where free; symbols take 15 bits, nodes 20
    double* weight  # of a node
    uint64_t mask
    int shift
    int64_t room  # code points that fit
    uint32_t* text
    int32_t* symbol  # -1 for what stands outside of words
    int32_t* next
    double* score
    uint8_t* back
    Out out


cdef class Cutter:
    """A dictionary and a model, ready to cut. Not for two threads at once."""

    cdef Machine* machine

    def __cinit__(self, bytes words, bytes weights, int count, bytes model, double unseen, int64_t room):
        """`words` are UTF-8 lines, `weights` their doubles, `model` 4 + 16 + 4 for each Han; a text is cut after `room`
        code points."""
        cdef Machine* m
        cdef int bits = 16
        self.machine = m = <Machine*>calloc(1, sizeof(Machine))
        if m == NULL:
            raise MemoryError
        while 2 * (<int64_t>1 << bits) < 5 * <int64_t>count and bits < 22:
            bits += 1
        m.slots = <uint64_t*>calloc(<size_t>1 << bits, sizeof(uint64_t))
        m.weight = <double*>malloc(NODES * sizeof(double))
        m.mask, m.shift, m.unseen, m.room = (<uint64_t>1 << bits) - 1, 64 - bits, unseen, room
        m.text = <uint32_t*>malloc(room * sizeof(uint32_t))
        m.symbol = <int32_t*>malloc(room * sizeof(int32_t))
        m.next = <int32_t*>malloc(room * sizeof(int32_t))
        m.score = <double*>malloc((room + 1) * sizeof(double))
        m.back = <uint8_t*>malloc(4 * room)
        if not (m.slots and m.weight and m.text and m.symbol and m.next and m.score and m.back):
            raise MemoryError
        if len(weights) != 8 * count or len(model) != 8 * (20 + 4 * MANY_HAN):
            raise ValueError("weights or model of another size")
        cdef const char* numbers = PyBytes_AsString(model)
        memcpy(m.start, numbers, 4 * sizeof(double))
        memcpy(m.trans, numbers + 4 * sizeof(double), 16 * sizeof(double))
        memcpy(m.emit, numbers + 20 * sizeof(double), 4 * MANY_HAN * sizeof(double))
        if not learn(m, PyBytes_AsString(words), len(words), <const double*>PyBytes_AsString(weights), count):
            raise OverflowError("more beginnings of words than there is room for")

    def __dealloc__(self):
        if self.machine != NULL:
            free(self.machine.slots)
            free(self.machine.weight)
            free(self.machine.text)
            free(self.machine.symbol)
            free(self.machine.next)
            free(self.machine.score)
            free(self.machine.back)
            free(self.machine.out.text)
            free(self.machine)

    def document(self, str text):
        """The line of word-cut JSON, and counts: sentences, words, bytes of text, sentences of over 512 Han, further
        ones of over 512 code points."""
        cdef Py_ssize_t size
        cdef const char* raw = PyUnicode_AsUTF8AndSize(text, &size)
        cdef int64_t[5] counts
        cdef Machine* m = self.machine
        m.out.size = m.out.words = 0
        m.out.plain = False
        if not (put(&m.out, b'{"text": "', 10) and sentences(m, <const uint8_t*>raw, size, counts)
                and put(&m.out, b'"}\n', 3)):
            raise MemoryError
        line = PyBytes_FromStringAndSize(m.out.text, m.out.size)
        return line, counts[0], counts[1], counts[2], counts[3], counts[4]

    def ends(self, str text):
        """Where the words of a sentence end, as int32."""
        cdef Py_ssize_t size
        cdef const char* raw = PyUnicode_AsUTF8AndSize(text, &size)
        cdef const uint8_t* at = <const uint8_t*>raw
        cdef const uint8_t* end = at + size
        cdef Machine* m = self.machine
        cdef int64_t n, before = 0
        m.out.size = m.out.words = 0
        m.out.plain = True
        while at < end:
            n = 0
            while at < end and n < m.room:
                at += read(at, &m.text[n])
                n += 1
            if not cut(m, n, before):
                raise MemoryError
            before += n
        return PyBytes_FromStringAndSize(m.out.text, m.out.size) if m.out.size else b""


cdef bint learn(Machine* m, const char* words, int64_t size, const double* weights, int count) noexcept:
    """Put all words into the tree of their beginnings."""
    cdef const uint8_t* at = <const uint8_t*>words
    cdef const uint8_t* end = at + size
    cdef int32_t path[256]
    cdef uint32_t code, nodes = 0, node
    cdef int i, k, length, symbol
    cdef uint64_t* above
    cdef uint64_t* slot
    for i in range(SYMBOLS):
        m.single[i] = NONE
    for i in range(count):
        length = 0
        symbol = 0
        while at < end and at[0] != 10:
            at += read(at, &code)
            if symbol >= 0:
                symbol = symbol_of(code)
            if length < 256:
                path[length] = symbol
            length += 1
        at += 1
        if symbol < 0 or not 0 < length <= 256:
            continue
        if length == 1:
            m.single[path[0]] = weights[i]
            continue
        node = m.child[path[0]]
        if not node:
            nodes += 1
            m.child[path[0]] = node = nodes
        above = NULL
        for k in range(1, length):
            slot = find(m, node, path[k])
            if not slot[0]:
                nodes += 1
                if nodes >= NODES or 4 * nodes > 3 * m.mask:
                    return False
                slot[0] = <uint64_t>node << 36 | <uint64_t>path[k] << 21 | nodes
                m.weight[nodes] = NONE
            if above != NULL:
                above[0] |= PARENT
            above = slot
            node = slot[0] & (NODES - 1)
        m.weight[node] = weights[i]
    return True


cdef inline uint64_t* find(Machine* m, uint64_t node, uint64_t symbol) noexcept nogil:
    """The slot of a child, or the free one where it would be."""
    cdef uint64_t key = node << 15 | symbol
    cdef uint64_t at = (key * <uint64_t>0x9E3779B97F4A7C15) >> m.shift
    while m.slots[at] and m.slots[at] >> 21 != key:
        at = (at + 1) & m.mask
    return &m.slots[at]


include "_jieba_read.pxi"
include "_jieba_route.pxi"
include "_jieba_write.pxi"

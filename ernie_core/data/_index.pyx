# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The index map and the mixing of corpora in C; addresses come from `index.py`, which has checked the arrays."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t


cdef struct Twister32:
    uint32_t state[624]
    int at


cdef struct Twister64:
    uint64_t state[312]
    int at


cdef struct Setting:
    const int64_t* docs
    const int32_t* lens
    int64_t documents
    int64_t epochs
    int64_t wanted
    int64_t max_len
    int64_t ratio
    int64_t sentences
    int64_t longest


def count(uintptr_t docs, uintptr_t lens, int64_t documents, int64_t epochs, int64_t wanted, int64_t max_len,
          int64_t ratio, uint32_t seed, int64_t sentences, int64_t longest):
    """The number of rows that `fill` will write."""
    cdef Setting s = Setting(<const int64_t*>docs, <const int32_t*>lens, documents, epochs, wanted, max_len, ratio,
                             sentences, longest)
    cdef int64_t rows
    with nogil:
        rows = walk(&s, seed, NULL, 0)
    return rows


def fill(uintptr_t docs, uintptr_t lens, int64_t documents, int64_t epochs, int64_t wanted, int64_t max_len,
         int64_t ratio, uint32_t seed, int64_t sentences, int64_t longest, uintptr_t out, bint wide, int64_t rows):
    """Write the rows, shuffled: three uint32 each, or three uint64 if `wide`."""
    cdef Setting s = Setting(<const int64_t*>docs, <const int32_t*>lens, documents, epochs, wanted, max_len, ratio,
                             sentences, longest)
    with nogil:
        walk(&s, seed, <void*>out, wide)
        if wide:
            shuffle(<uint64_t*>out, rows, <uint64_t>seed + 1)
        else:
            shuffle(<uint32_t*>out, rows, <uint64_t>seed + 1)


def blend(uintptr_t weights, uintptr_t taken, int64_t corpora, int64_t first, int64_t size, uintptr_t chosen,
          uintptr_t numbers):
    """Choose a corpus for each of the samples first:first+size; `taken` is the state before and after."""
    cdef const double* w = <const double*>weights
    cdef int64_t* t = <int64_t*>taken
    cdef uint8_t* c = <uint8_t*>chosen
    cdef int64_t* n = <int64_t*>numbers
    cdef int64_t i, k, best
    cdef double lack, most, position
    with nogil:
        for i in range(size):
            position = <double>(first + i if first + i > 1 else 1)
            best = 0
            most = w[0] * position - <double>t[0]
            for k in range(1, corpora):
                lack = w[k] * position - <double>t[k]
                if lack > most:
                    most = lack
                    best = k
            if c != NULL:
                c[i] = <uint8_t>best
                n[i] = t[best]
            t[best] += 1


cdef int64_t walk(Setting* s, uint32_t seed, void* out, bint wide) noexcept nogil:
    cdef Twister32 twister
    cdef int64_t epoch, d, a, b, i, start, length, number, remaining, goal, rows = 0
    cdef bint skip
    seed32(&twister, seed)
    for epoch in range(s.epochs):
        if rows >= s.wanted or (epoch > 0 and rows == 0):
            break
        for d in range(s.documents):
            a, b = s.docs[d], s.docs[d + 1]
            remaining = b - a
            if remaining < s.sentences:
                continue
            if remaining > 1:
                skip = False
                for i in range(a, b):
                    if s.lens[i] > s.longest:
                        skip = True
                        break
                if skip:
                    continue
            start = a
            length = number = 0
            goal = target(&twister, s.max_len, s.ratio)
            for i in range(a, b):
                length += s.lens[i]
                number += 1
                remaining -= 1
                if (length >= goal and remaining > 1 and number >= s.sentences) or remaining == 0:
                    if out != NULL:
                        if wide:
                            (<uint64_t*>out)[3 * rows] = start
                            (<uint64_t*>out)[3 * rows + 1] = i + 1
                            (<uint64_t*>out)[3 * rows + 2] = goal
                        else:
                            (<uint32_t*>out)[3 * rows] = <uint32_t>start
                            (<uint32_t*>out)[3 * rows + 1] = <uint32_t>(i + 1)
                            (<uint32_t*>out)[3 * rows + 2] = <uint32_t>goal
                    rows += 1
                    start = i + 1
                    length = number = 0
                    goal = target(&twister, s.max_len, s.ratio)
    return rows


cdef inline int64_t target(Twister32* twister, int64_t max_len, int64_t ratio) noexcept nogil:
    cdef uint32_t r
    if ratio == 0:
        return max_len
    r = next32(twister)
    return 2 + r % (max_len - 1) if r % ratio == 0 else max_len


ctypedef fused Number:
    uint32_t
    uint64_t


cdef void shuffle(Number* rows, int64_t count, uint64_t seed) noexcept nogil:
    cdef Twister64 twister
    cdef int64_t i, j, k
    cdef Number held
    seed64(&twister, seed)
    for i in range(count - 1, 0, -1):
        j = <int64_t>(next64(&twister) % <uint64_t>(i + 1))
        for k in range(3):
            held = rows[3 * i + k]
            rows[3 * i + k] = rows[3 * j + k]
            rows[3 * j + k] = held


cdef void seed32(Twister32* t, uint32_t seed) noexcept nogil:
    cdef int i
    t.state[0] = seed
    for i in range(1, 624):
        t.state[i] = <uint32_t>1812433253 * (t.state[i - 1] ^ (t.state[i - 1] >> 30)) + <uint32_t>i
    t.at = 624


cdef uint32_t next32(Twister32* t) noexcept nogil:
    cdef int i
    cdef uint32_t y
    if t.at == 624:
        for i in range(624):
            y = (t.state[i] & <uint32_t>0x80000000) | (t.state[(i + 1) % 624] & <uint32_t>0x7fffffff)
            t.state[i] = t.state[(i + 397) % 624] ^ (y >> 1) ^ (<uint32_t>0x9908b0df if y & 1 else <uint32_t>0)
        t.at = 0
    y = t.state[t.at]
    t.at += 1
    y ^= y >> 11
    y ^= (y << 7) & <uint32_t>0x9d2c5680
    y ^= (y << 15) & <uint32_t>0xefc60000
    return y ^ (y >> 18)


cdef void seed64(Twister64* t, uint64_t seed) noexcept nogil:
    cdef int i
    t.state[0] = seed
    for i in range(1, 312):
        t.state[i] = <uint64_t>6364136223846793005ULL * (t.state[i - 1] ^ (t.state[i - 1] >> 62)) + <uint64_t>i
    t.at = 312


cdef uint64_t next64(Twister64* t) noexcept nogil:
    cdef int i
    cdef uint64_t y
    if t.at == 312:
        for i in range(312):
            y = (t.state[i] & <uint64_t>0xFFFFFFFF80000000ULL) | (t.state[(i + 1) % 312] & <uint64_t>0x7FFFFFFFULL)
            t.state[i] = t.state[(i + 156) % 312] ^ (y >> 1) ^ (
                <uint64_t>0xB5026F5AA96619E9ULL if y & 1 else <uint64_t>0)
        t.at = 0
    y = t.state[t.at]
    t.at += 1
    y ^= (y >> 29) & <uint64_t>0x5555555555555555ULL
    y ^= (y << 17) & <uint64_t>0x71D67FFFEDA60000ULL
    y ^= (y << 37) & <uint64_t>0xFFF7EEE000000000ULL
    return y ^ (y >> 43)

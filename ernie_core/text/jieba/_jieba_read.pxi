"""Of `_jieba.pyx`: characters and their classes, and where sentences end."""


cdef inline int symbol_of(uint32_t code) noexcept nogil:
    """The number of a code point that words can be made of, or -1."""
    if FIRST_HAN <= code <= LAST_HAN:
        return code - FIRST_HAN
    if code < 128 and (c"a" <= (code | 32) <= c"z" or c"0" <= code <= c"9" or code == c"+" or code == c"#"
                       or code == c"&" or code == c"." or code == c"_" or code == c"%" or code == c"-"):
        return MANY_HAN + code
    return -1


cdef inline bint alnum(int32_t symbol) noexcept nogil:
    cdef int32_t code = symbol - MANY_HAN
    return c"a" <= (code | 32) <= c"z" or digit(symbol)


cdef inline bint digit(int32_t symbol) noexcept nogil:
    return MANY_HAN + 48 <= symbol <= MANY_HAN + 57


cdef inline int read(const uint8_t* at, uint32_t* code) noexcept nogil:
    """Decode one code point of valid UTF-8; its size."""
    if at[0] < 0x80:
        code[0] = at[0]
        return 1
    if at[0] < 0xE0:
        code[0] = (at[0] & 0x1F) << 6 | (at[1] & 0x3F)
        return 2
    if at[0] < 0xF0:
        code[0] = (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F)
        return 3
    code[0] = (at[0] & 0x07) << 18 | (at[1] & 0x3F) << 12 | (at[2] & 0x3F) << 6 | (at[3] & 0x3F)
    return 4


cdef bint sentences(Machine* m, const uint8_t* at, int64_t size, int64_t* counts) noexcept nogil:
    """Cut a document: runs of one mark count once, spaces after a mark are dropped, all but a space end a sentence."""
    cdef const uint8_t* end = at + size
    cdef uint32_t code
    cdef int64_t n = 0, length = 0, han = 0
    cdef int step
    cdef bint ends
    counts[0] = counts[2] = counts[3] = counts[4] = 0
    m.out.first = True
    while at < end:
        step = read(at, &code)
        at += step
        ends = code == c"\n" or stops(code)
        if ends or code == c" ":
            while end - at >= step and same(at, at - step, step):
                at += step
            while at < end and at[0] == c" ":
                at += 1
        if code != c"\n":
            m.text[n] = code
            n += 1
            length += 1
            han += 0x4E00 <= code <= 0x9FA5
            counts[2] += step
        if n == m.room or (n and (ends or at == end)):
            if not cut(m, n, 0):
                return False
            n = 0
        if length and (ends or at == end):
            if not put(&m.out, b"\\n", 2):
                return False
            counts[0] += 1
            counts[3] += han > 512
            counts[4] += han <= 512 < length
            length = han = 0
            m.out.first = True
    counts[1] = m.out.words
    return True


cdef inline bint stops(uint32_t code) noexcept nogil:
    """Whether a sentence ends with this mark."""
    return (code == 0x3002 or code == c"?" or code == 0xFF1F or code == c";" or code == 0xFF1B or code == c"!"
            or code == 0xFF01)


cdef inline bint same(const uint8_t* a, const uint8_t* b, int size) noexcept nogil:
    return a[0] == b[0] and (size < 2 or a[1] == b[1]) and (size < 3 or a[2] == b[2])

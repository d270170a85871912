"""Of `_jieba.pyx`: words written as JSON, or as the places where they end."""


cdef inline bint word(Machine* m, int64_t begin, int64_t end, int64_t before) noexcept nogil:
    """Write a word: its end, or its text."""
    cdef Out* out = &m.out
    cdef int32_t place
    cdef uint32_t code
    cdef char* to
    out.words += 1
    if out.plain:
        place = <int32_t>(before + end)
        return put(out, <const char*>&place, 4)
    if out.room - out.size < 6 * (end - begin) + 1 and not grow(out, 6 * (end - begin) + 1):
        return False
    to = out.text + out.size
    if not out.first:
        to[0] = c" "
        to += 1
    out.first = False
    while begin < end:
        code = m.text[begin]
        begin += 1
        if 0x800 <= code < 0x10000:
            to[0] = <char>(0xE0 | code >> 12)
            to[1] = <char>(0x80 | (code >> 6 & 0x3F))
            to[2] = <char>(0x80 | (code & 0x3F))
            to += 3
        elif code < 0x80:
            to = ascii(to, code)
        elif code < 0x800:
            to[0] = <char>(0xC0 | code >> 6)
            to[1] = <char>(0x80 | (code & 0x3F))
            to += 2
        else:
            to[0] = <char>(0xF0 | code >> 18)
            to[1] = <char>(0x80 | (code >> 12 & 0x3F))
            to[2] = <char>(0x80 | (code >> 6 & 0x3F))
            to[3] = <char>(0x80 | (code & 0x3F))
            to += 4
    out.size = to - out.text
    return True


cdef inline char* ascii(char* to, uint32_t code) noexcept nogil:
    """Write one as JSON: at most six bytes."""
    cdef char short = 0
    if code >= 32 and code != c'"' and code != c"\\":
        to[0] = <char>code
        return to + 1
    if code == c'"' or code == c"\\":
        short = <char>code
    elif code == c"\n":
        short = c"n"
    elif code == c"\r":
        short = c"r"
    elif code == c"\t":
        short = c"t"
    elif code == 8:
        short = c"b"
    elif code == 12:
        short = c"f"
    to[0] = c"\\"
    if short:
        to[1] = short
        return to + 2
    memcpy(to + 1, b"u00", 3)
    to[4] = c"1" if code >= 16 else c"0"
    to[5] = b"0123456789abcdef"[code & 15]
    return to + 6


cdef inline bint put(Out* out, const char* text, int64_t size) noexcept nogil:
    if out.room - out.size < size and not grow(out, size):
        return False
    memcpy(out.text + out.size, text, size)
    out.size += size
    return True


cdef bint grow(Out* out, int64_t size) noexcept nogil:
    cdef int64_t room = 2 * (out.size + size) + 4096
    cdef char* larger = <char*>realloc(out.text, room)
    if larger == NULL:
        return False
    out.text, out.room = larger, room
    return True

# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Counts the code points of word-cut JSON lines, and collects the runs of letters that may be words."""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp

cdef enum:
    UNKNOWN, APART, LATIN, OTHER, DROPPED, MIXED  # what a code point is to a run; `census.py` says which is which
    DONE = -1
    MALFORMED = -2
    CODES = 0x110000

cdef struct State:
    uint64_t* table  # of a code point: its class above bit 60, its count below
    char* runs
    int64_t size
    int64_t begin  # of the run that is open
    int64_t room
    int open  # classes in the open run, a bit each
    bint every
    bint inside  # a line


cdef class Counter:
    """Counts across blocks of whole lines."""

    cdef State state
    cdef int64_t line  # where in the block it begins
    cdef int64_t line_size  # runs that were collected before it
    cdef uint32_t codes  # one above the highest that was learnt

    def __cinit__(self, bint every):
        """`every` run is collected, or those of Latin letters and digits alone."""
        self.state.every = every
        self.state.table = <uint64_t*>calloc(CODES, sizeof(uint64_t))
        if self.state.table == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.state.table)
        free(self.state.runs)

    def learn(self, uint32_t code, int kind):
        """Say what a code point is."""
        if code >= CODES or not UNKNOWN < kind <= MIXED:
            raise ValueError(f"code point {code} of class {kind}")
        self.state.table[code] |= <uint64_t>kind << 60
        self.codes = max(self.codes, code + 1)

    def feed(self, bytes block, int64_t at, int64_t lines):
        """Continue from an offset, for so many lines: the offset after them, the lines, and why it stopped.

        -1: done; -2: the line that begins at the place is not the JSON that is written here, and was not counted; else
        the code point that must be learnt first.
        """
        cdef State* s = &self.state
        cdef const uint8_t* text = <const uint8_t*>PyBytes_AsString(block)
        cdef int64_t size = len(block), done = 0
        cdef int64_t why = DONE
        cdef char* larger
        if not 0 <= at <= size:
            raise ValueError(f"no place {at} in {size} bytes")
        if s.room - s.size < size + 2:
            larger = <char*>realloc(s.runs, s.size + size + 2)
            if larger == NULL:
                raise MemoryError
            s.runs, s.room = larger, s.size + size + 2
        with nogil:
            while at < size and done < lines and why == DONE:
                if not s.inside:
                    self.line, self.line_size = at, s.size
                    if memcmp(text + at, b'{"text": "', 10 if size - at >= 10 else size - at) or size - at < 13:
                        why = MALFORMED
                        break
                    s.inside = True
                    at += 10
                why = walk(s, text, size, &at, 1)
                if why == MALFORMED:
                    s.size, s.begin, s.open = self.line_size, self.line_size, 0
                    size, at = at, self.line + 10
                    walk(s, text, size, &at, <uint64_t>-1)
                    s.size, s.begin, s.open, s.inside = self.line_size, self.line_size, 0, False
                    at = self.line
                elif why == DONE:
                    s.inside = False
                    done += 1
        return at, done, why

    def runs(self):
        """The runs that were collected since the last time, a line each."""
        found = PyBytes_FromStringAndSize(self.state.runs, self.state.size)
        self.state.size = self.state.begin = 0
        return found

    def counts(self):
        """Code points that occur, and how often."""
        cdef uint64_t count
        found = {}
        for code in range(self.codes):
            count = self.state.table[code] & ((<uint64_t>1 << 60) - 1)
            if count:
                found[code] = count
        return found


cdef int64_t walk(State* s, const uint8_t* text, int64_t size, int64_t* place, uint64_t one) noexcept nogil:
    """To the end of the line; counts `one` for each code point. Bytes end with a NUL, which is no part of any of them."""
    cdef const uint8_t* at = text + place[0]
    cdef const uint8_t* end = text + size
    cdef uint32_t code
    cdef uint64_t held
    cdef int step, kind, spaces
    cdef uint64_t* table = s.table
    cdef const uint8_t* safe = end - 4  # three bytes and a space, which looks at the one behind it
    while at < end:
        # Most of the text is this: Han, and single spaces between words, which cost no branch.
        while at < safe and <uint32_t>(at[0] - 0xE3) < 10 and (at[1] & 0xC0) == 0x80 and (at[2] & 0xC0) == 0x80:
            code = (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F)
            held = table[code]
            if held >> 60 != APART or s.open:
                break
            table[code] = held + one
            at += 3
            at += <int>(at[0] == c" ") & <int>(at[1] != c" ")
        code = at[0]
        step = 1
        if code == c" ":
            spaces = 1
            while at[spaces] == c" " and spaces < 3:
                spaces += 1
            at += spaces
            if spaces == 3:  # two words with a space between them: the text has it
                close(s)
            continue
        if code == c'"':
            if at[1] != c"}" or at[2] != c"\n" and at + 2 < end:
                break
            close(s)
            at += 2 + (at + 2 < end)
            place[0] = at - text
            return DONE
        if code == c"\\":
            code = at[1]
            if code == c"n" or code == c"t" or code == c"r":
                close(s)
                at += 2
                continue
            if code == c"b" or code == c"f":
                at += 2
                continue
            if code == c"u":  # of the other control characters, none of which counts
                if at[2] != c"0" or at[3] != c"0" or (at[4] != c"0" and at[4] != c"1") or not hexadecimal(at[5]):
                    break
                at += 6
                continue
            if code != c'"' and code != c"\\" and code != c"/":
                break
            step = 2
        elif code >= 0x80:
            step = read(at, &code)
            if not step:
                break
        elif code < 0x20:
            break
        held = s.table[code]
        kind = held >> 60
        if kind == APART:
            s.table[code] = held + one
            at += step
            if s.open:
                close(s)
            continue
        if kind == UNKNOWN:
            place[0] = at - text
            return code
        s.table[code] = held + one
        s.open |= 1 << kind
        if step == 2 and at[0] == c"\\":
            at += 1
            step = 1
        while step:
            s.runs[s.size] = at[0]
            s.size += 1
            at += 1
            step -= 1
    place[0] = at - text
    return MALFORMED


cdef inline void close(State* s) noexcept nogil:
    """End a run, and keep it if it may hold a word."""
    if s.open and (s.every or s.open & (1 << MIXED) or (s.open & (1 << LATIN) and not s.open & (1 << OTHER))):
        s.runs[s.size] = c"\n"
        s.size += 1
        s.begin = s.size
    s.size = s.begin
    s.open = 0


cdef inline bint hexadecimal(uint8_t c) noexcept nogil:
    return c"0" <= c <= c"9" or c"a" <= (c | 32) <= c"f"


cdef inline int read(const uint8_t* at, uint32_t* code) noexcept nogil:
    """Decode one code point beyond ASCII; its size, or 0 if it is none."""
    cdef uint32_t first = at[0]
    if first >= 0xE0 and first < 0xF0:
        if (at[1] & 0xC0) != 0x80 or (at[2] & 0xC0) != 0x80:
            return 0
        code[0] = (first & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F)
        return 3 if code[0] >= 0x800 and not 0xD800 <= code[0] <= 0xDFFF else 0
    if first >= 0xC2 and first < 0xE0:
        if (at[1] & 0xC0) != 0x80:
            return 0
        code[0] = (first & 0x1F) << 6 | (at[1] & 0x3F)
        return 2
    if first >= 0xF0 and first < 0xF5:
        if (at[1] & 0xC0) != 0x80 or (at[2] & 0xC0) != 0x80 or (at[3] & 0xC0) != 0x80:
            return 0
        code[0] = (first & 0x07) << 18 | (at[1] & 0x3F) << 12 | (at[2] & 0x3F) << 6 | (at[3] & 0x3F)
        return 4 if 0x10000 <= code[0] < 0x110000 else 0
    return 0

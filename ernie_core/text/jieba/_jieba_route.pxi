"""Of `_jieba.pyx`: the words of a sentence, by dictionary and by model."""


cdef bint cut(Machine* m, int64_t n, int64_t before) noexcept nogil:
    """Cut the text that is held: what words can be made of goes in runs, all else is a word by itself."""
    cdef int64_t i = 0, j
    for j in range(n):
        m.symbol[j] = symbol_of(m.text[j])
    while i < n:
        j = i
        while j < n and m.symbol[j] >= 0:
            j += 1
        if j > i:
            if not route(m, i, j, before):
                return False
            i = j
        else:
            i += 1
            if not word(m, j, i, before):
                return False
    return True


cdef bint route(Machine* m, int64_t begin, int64_t end, int64_t before) noexcept nogil:
    """The most likely path through the dictionary; what it leaves as single characters goes to the model."""
    cdef int64_t i, x, best_end, held
    cdef double best, score
    cdef uint32_t node
    cdef int32_t symbol
    cdef uint64_t slot
    m.score[end] = 0
    for i in range(end - 1, begin - 1, -1):
        symbol = m.symbol[i]
        best_end = 0
        best = 0
        if m.single[symbol] != NONE:
            best_end = i + 1
            best = m.single[symbol] + m.score[i + 1]
        node = m.child[symbol]
        x = i + 1
        while node and x < end:
            slot = find(m, node, m.symbol[x])[0]
            if not slot:
                break
            node = slot & (NODES - 1)
            x += 1
            if m.weight[node] != NONE:
                score = m.weight[node] + m.score[x]
                if not best_end or score >= best:
                    best = score
                    best_end = x
            if not slot & PARENT:
                break
        if not best_end:
            best_end = i + 1
            best = m.unseen + m.score[i + 1]
        m.score[i] = best
        m.next[i] = best_end
    i = held = begin
    while i < end:
        x = m.next[i]
        if x - i > 1:
            if not (singles(m, held, i, before) and word(m, i, x, before)):
                return False
            held = x
        i = x
    return singles(m, held, end, before)


cdef bint singles(Machine* m, int64_t begin, int64_t end, int64_t before) noexcept nogil:
    """Cut characters that the path left apart. Were they a word together, they stay apart."""
    cdef int64_t i = begin, j
    if end - begin < 2 or is_word(m, begin, end):
        while i < end:
            if not word(m, i, i + 1, before):
                return False
            i += 1
        return True
    while i < end:
        j = i
        while j < end and m.symbol[j] < MANY_HAN:
            j += 1
        if j > i:
            if not viterbi(m, i, j, before):
                return False
            i = j
            continue
        if alnum(m.symbol[i]):
            while j < end and m.symbol[j] >= MANY_HAN and alnum(m.symbol[j]):
                j += 1
            if j + 1 < end and m.symbol[j] == MANY_HAN + c"." and digit(m.symbol[j + 1]):
                j += 2
                while j < end and digit(m.symbol[j]):
                    j += 1
            if j < end and m.symbol[j] == MANY_HAN + c"%":
                j += 1
        else:
            while j < end and m.symbol[j] >= MANY_HAN and not alnum(m.symbol[j]):
                j += 1
        if not word(m, i, j, before):
            return False
        i = j
    return True


cdef bint is_word(Machine* m, int64_t begin, int64_t end) noexcept nogil:
    cdef uint32_t node = m.child[m.symbol[begin]]
    cdef uint64_t slot
    begin += 1
    while begin < end:
        slot = find(m, node, m.symbol[begin])[0]
        if not (node and slot):
            return False
        node = slot & (NODES - 1)
        begin += 1
    return m.weight[node] != NONE


cdef bint viterbi(Machine* m, int64_t begin, int64_t end, int64_t before) noexcept nogil:
    """Words of Han that the dictionary lacks: B begins one, M is within, E ends one, S is one."""
    cdef double b, i, e, s, next_b, next_i, next_e, stay, come
    cdef const double* emit = m.emit[m.symbol[begin]]
    cdef uint8_t* back
    cdef int64_t k
    cdef int state
    b, i, e, s = m.start[0] + emit[0], m.start[1] + emit[1], m.start[2] + emit[2], m.start[3] + emit[3]
    for k in range(begin + 1, end):
        emit = m.emit[m.symbol[k]]
        back = m.back + 4 * k
        # Equal sums: the later letter of the alphabet wins.
        come, stay = e + m.trans[2][0] + emit[0], s + m.trans[3][0] + emit[0]
        back[0] = 3 if stay >= come else 2
        next_b = stay if stay >= come else come
        come, stay = b + m.trans[0][1] + emit[1], i + m.trans[1][1] + emit[1]
        back[1] = 1 if stay >= come else 0
        next_i = stay if stay >= come else come
        come, stay = b + m.trans[0][2] + emit[2], i + m.trans[1][2] + emit[2]
        back[2] = 1 if stay >= come else 0
        next_e = stay if stay >= come else come
        come, stay = e + m.trans[2][3] + emit[3], s + m.trans[3][3] + emit[3]
        back[3] = 3 if stay >= come else 2
        s = stay if stay >= come else come
        b, i, e = next_b, next_i, next_e
    state = 3 if s >= e else 2
    for k in range(end - 1, begin, -1):  # from here on the states are kept where the paths were
        come = 0
        back = m.back + 4 * k
        m.next[k] = state
        state = back[state]
    m.next[begin] = state
    k = begin
    while begin < end:
        state = m.next[begin]
        begin += 1
        if state == 2 or state == 3:
            if not word(m, k if state == 2 else begin - 1, begin, before):
                return False
            k = begin
        elif state == 0:
            k = begin - 1
    return True

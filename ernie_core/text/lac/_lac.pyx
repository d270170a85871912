# cython: language_level=3
# distutils: language = c++
# distutils: sources = ernie_core/text/lac/net.cpp ernie_core/text/lac/fastcut.cpp
# distutils: depends = ernie_core/text/lac/net.hpp ernie_core/text/lac/fastcut.hpp ernie_core/text/lac/kernel.inc
# distutils: depends = ernie_core/text/lac/crf.inc
# distutils: extra_compile_args = -std=c++17
"""LAC's net and dictionary pass. Arrays come as addresses: callers have checked types and sizes (see tagger.py)."""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libcpp.memory cimport unique_ptr


cdef extern from "net.hpp" namespace "lac" nogil:
    cdef cppclass Weights:
        int units, width, hidden, tags
        const float* embedding
        const float* input[2][2]
        const float* input_bias[2][2]
        const float* gates[2][2]
        const float* candidate[2][2]
        const float* bias[2][2]
        const float* emission
        const float* emission_bias
        const float* crf

    cdef enum Path:
        PORTABLE
        AVX2
        AVX512

    Path best_path()

    cdef cppclass CNet "lac::Net":
        CNet(const Weights& weights, Path path) except +
        void tag(const int32_t* units, const int64_t* lengths, size_t count, uint8_t* tags) except +


cdef extern from "fastcut.hpp" namespace "lac" nogil:
    cdef cppclass CLexicon "lac::Lexicon":
        CLexicon(
            const uint64_t* keys, const int32_t* units, const uint8_t* words, size_t count, const int32_t* single,
            size_t singles, double one, double two, double three,
        ) except +
        void add(const uint32_t* token, size_t size, int32_t unit) except +
        size_t cut(
            const uint32_t* codes, const int64_t* lengths, size_t count, int32_t* units, int32_t* widths,
            int64_t* numbers,
        ) except +


def paths():
    """The instruction sets that can be used here, the best last."""
    return ("portable", "avx2", "avx512")[: <int>best_path() + 1]


cdef class Net:
    """The net. Its parameters are repacked; the embedding must live as long as the Net does."""

    cdef unique_ptr[CNet] net

    def __init__(self, sizes, layers, rest, path):
        """`sizes`: units, width, hidden, tags; `layers`: per layer and direction the addresses of input, its bias,
        gates, candidate, bias; `rest`: those of embedding, emission, its bias, crf."""
        cdef Weights w
        w.units, w.width, w.hidden, w.tags = sizes
        for layer in range(2):
            for way in range(2):
                places = layers[layer][way]
                w.input[layer][way] = <const float*><uintptr_t>places[0]
                w.input_bias[layer][way] = <const float*><uintptr_t>places[1]
                w.gates[layer][way] = <const float*><uintptr_t>places[2]
                w.candidate[layer][way] = <const float*><uintptr_t>places[3]
                w.bias[layer][way] = <const float*><uintptr_t>places[4]
        w.embedding = <const float*><uintptr_t>rest[0]
        w.emission = <const float*><uintptr_t>rest[1]
        w.emission_bias = <const float*><uintptr_t>rest[2]
        w.crf = <const float*><uintptr_t>rest[3]
        self.net.reset(new CNet(w, <Path><int>path))

    def tag(self, uintptr_t units, uintptr_t lengths, size_t count, uintptr_t tags):
        """Tags (uint8) of `count` sentences of units (int32) with `lengths` (int64)."""
        with nogil:
            self.net.get().tag(<const int32_t*>units, <const int64_t*>lengths, count, <uint8_t*>tags)


cdef class Lexicon:
    """The words of the dictionary pass, and the units of the net."""

    cdef unique_ptr[CLexicon] lexicon

    def __init__(self, uintptr_t keys, uintptr_t units, uintptr_t words, size_t count, uintptr_t single,
                 size_t singles, scores):
        """`keys` (uint64): up to three code points, 21 bits each; their `units` (int32, -1 for none), and whether they
        are `words` (uint8); `single` (int32): the units of code points; `scores` of words of one, two, three."""
        cdef double one, two, three
        one, two, three = scores
        self.lexicon.reset(new CLexicon(
            <const uint64_t*>keys, <const int32_t*>units, <const uint8_t*>words, count, <const int32_t*>single,
            singles, one, two, three))

    def add(self, uintptr_t token, size_t size, int32_t unit):
        """The unit of a token of more than three code points (uint32)."""
        self.lexicon.get().add(<const uint32_t*>token, size, unit)

    def cut(self, uintptr_t codes, uintptr_t lengths, size_t count, uintptr_t units, uintptr_t widths,
            uintptr_t numbers):
        """Units (int32) and how many code points each stands for (int32), per text their number (int64); returns the
        number of all. `codes` (uint32) of `count` texts with `lengths` (int64); room for a unit a code point."""
        cdef size_t total
        with nogil:
            total = self.lexicon.get().cut(
                <const uint32_t*>codes, <const int64_t*>lengths, count, <int32_t*>units, <int32_t*>widths,
                <int64_t*>numbers)
        return total

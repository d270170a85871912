// The tagging net: chooses the instruction set, packs the weights, and puts sentences of like length together.

#include "net.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(WITHOUT_SIMD)
#define HAS_AVX 1
#include <immintrin.h>
#endif
#ifdef __clang__
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, FourInts{__VA_ARGS__})
#endif
#define INLINE static inline __attribute__((always_inline))
#define INLINE_METHOD inline __attribute__((always_inline))

namespace lac {
namespace {

typedef float Four __attribute__((vector_size(16)));
typedef int FourInts __attribute__((vector_size(16)));
typedef float LooseFour __attribute__((vector_size(16), aligned(4), may_alias));

const size_t MOST_STEPS = 1 << 16;  // lanes * steps of a group: bounds the memory to some 100 MB

const size_t ALIGNED = 16;  // floats in a line of the cache: vectors across two of them load slowly

float* aligned(float* from) { return from + (ALIGNED - reinterpret_cast<uintptr_t>(from) / sizeof(float) % ALIGNED); }

// A matrix [depth][rows] as [rows / size][depth][size], the order in which the product reads it.
struct Packed {
    const float* data;
    int depth, size;
    const float* panel(int n) const { return data + size_t(n) * depth * size; }
};

struct Gru {
    Packed input, gates, candidate;
    const float* bias;
};

struct Model {
    int width, hidden, tags, padded_tags;
    const float* embedding;
    Gru gru[2][2];
    Packed emission[2];
    const float *emission_bias, *start, *end, *transition;
};

struct Group {
    int steps;
    const int* length;
    const int* const* units;
    unsigned char* const* tags;
};

struct Kernel {
    int lanes, panel;
    void (*project)(const Model&, const int* units, size_t count, float* table, float* scratch);
    void (*tag[3])(const Model&, const Group&, const float* table, float* memory);
};

#define LANES 4
#define PANEL 4
#define KERNEL portable
#include "kernel.inc"
#undef LANES
#undef PANEL
#undef KERNEL

#ifdef HAS_AVX
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define LANES 8
#define PANEL 4
#define KERNEL avx2
#include "kernel.inc"
#undef LANES
#undef PANEL
#undef KERNEL
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")
#define LANES 16
#define PANEL 8
#define KERNEL avx512
#include "kernel.inc"
#undef LANES
#undef PANEL
#undef KERNEL
#pragma GCC pop_options
#endif

// How many vectors of sentences to take next: the most units for what the steps cost. More vectors use the processor
// better, but every sentence takes as many steps as the longest.
size_t best_width(const int64_t* lengths, const size_t* order, size_t left, size_t lanes) {
    const double cost[] = {0, 1.6, 2.3, 3.0};
    const size_t steps = size_t(lengths[order[0]]);
    size_t best = 1, units = 0, taken = 0;
    double most = 0;
    for (size_t vectors = 1; vectors <= 3 && (vectors == 1 || vectors * lanes * steps <= MOST_STEPS); vectors++) {
        for (; taken < std::min(left, vectors * lanes); taken++) units += size_t(lengths[order[taken]]);
        if (double(units) / cost[vectors] > most) most = double(units) / cost[vectors], best = vectors;
    }
    return best;
}

const Kernel& kernel_of(Path path) {
    if (path > best_path()) throw std::invalid_argument("this processor cannot take that path");
#ifdef HAS_AVX
    if (path == AVX512) return avx512::kernel;
    if (path == AVX2) return avx2::kernel;
#endif
    return portable::kernel;
}

}  // namespace

Path best_path() {
#ifdef HAS_AVX
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
            return AVX512;
        return AVX2;
    }
#endif
    return PORTABLE;
}

struct Net::Inside {
    const Kernel& kernel;
    int units;
    Model model;
    std::vector<std::vector<float>> kept;

    explicit Inside(const Kernel& chosen) : kernel(chosen) {}

    const float* keep(std::vector<float> values) {
        kept.push_back(std::move(values));
        return kept.back().data();
    }

    // Rows beyond `rows`, up to a whole panel, are zeros.
    Packed pack(const float* matrix, int depth, int rows, const std::vector<float>& scale) {
        const int size = kernel.panel, panels = (rows + size - 1) / size;
        std::vector<float> packed(size_t(panels) * depth * size);
        for (int row = 0; row < rows; row++)
            for (int k = 0; k < depth; k++)
                packed[(size_t(row / size) * depth + k) * size + row % size] =
                    matrix[size_t(k) * rows + row] * scale[row];
        return {keep(std::move(packed)), depth, size};
    }
};

Net::Net(const Weights& w, Path path) : inside(new Inside(kernel_of(path))) {
    const int h = w.hidden, panel = inside->kernel.panel;
    if (h <= 0 || h % 8 || w.width <= 0 || w.width % 8 || w.tags <= 0 || w.tags > 2 * h || w.tags > 256)
        throw std::invalid_argument("the widths of the net must be multiples of 8 and its tags at most 256");
    Model& model = inside->model;
    inside->units = w.units;
    model.width = w.width, model.hidden = h, model.tags = w.tags;
    model.padded_tags = (w.tags + panel - 1) / panel * panel;
    model.embedding = w.embedding;
    // The gates are 1 / (1 + e^-x) and the candidate (1 - e^-2x) / (1 + e^-2x): the weights are multiplied by what stands
    // before x and by log2(e), so that a power of 2 is all that is left to compute.
    const float log2_e = 1.44269504088896341f;
    std::vector<float> scale(3 * h, -log2_e);
    std::fill(scale.begin() + 2 * h, scale.end(), -2 * log2_e);
    const std::vector<float> of_candidate(h, -2 * log2_e), plain(w.tags, 1.0f);
    for (int layer = 0; layer < 2; layer++)
        for (int way = 0; way < 2; way++) {
            std::vector<float> bias(w.bias[layer][way], w.bias[layer][way] + 3 * h);
            for (int n = 0; n < 3 * h; n++) bias[n] = (bias[n] + w.input_bias[layer][way][n]) * scale[n];
            model.gru[layer][way] = {inside->pack(w.input[layer][way], layer ? 2 * h : w.width, 3 * h, scale),
                                     inside->pack(w.gates[layer][way], h, 2 * h, scale),
                                     inside->pack(w.candidate[layer][way], h, h, of_candidate),
                                     inside->keep(std::move(bias))};
        }
    for (int way = 0; way < 2; way++)
        model.emission[way] = inside->pack(w.emission + way * h * w.tags, h, w.tags, plain);
    std::vector<float> bias(w.emission_bias, w.emission_bias + w.tags);
    bias.resize(model.padded_tags);
    model.emission_bias = inside->keep(std::move(bias));
    model.start = inside->keep(std::vector<float>(w.crf, w.crf + (w.tags + 2) * w.tags));
    model.end = model.start + w.tags;
    model.transition = model.end + w.tags;
}

Net::~Net() = default;

void Net::tag(const int32_t* units, const int64_t* lengths, size_t count, uint8_t* tags) const {
    const Model& model = inside->model;
    const Kernel& kernel = inside->kernel;
    const int lanes = kernel.lanes, h = model.hidden;

    std::vector<size_t> first(count + 1, 0), order(count);
    for (size_t n = 0; n < count; n++) first[n + 1] = first[n] + size_t(lengths[n]);
    const size_t total = first[count];
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lengths[a] > lengths[b]; });
    while (!order.empty() && lengths[order.back()] == 0) order.pop_back();
    if (order.empty()) return;

    // Text repeats itself: what the first layer makes of a unit is computed once for all its places.
    std::vector<int> place(inside->units, -1), distinct, local(total);
    for (size_t n = 0; n < total; n++) {
        int& found = place[units[n]];
        if (found < 0) {
            found = int(distinct.size());
            distinct.push_back(units[n]);
        }
        local[n] = found;
    }
    const std::unique_ptr<float[]> table(new float[distinct.size() * 6 * h]);
    std::unique_ptr<float[]> memory(new float[size_t(model.width + 3 * h) * lanes + ALIGNED]);
    kernel.project(model, distinct.data(), distinct.size(), table.get(), aligned(memory.get()));

    size_t room = 0;
    for (size_t done = 0; done < order.size();) {
        const size_t steps = size_t(lengths[order[done]]), left = order.size() - done;
        const size_t vectors = best_width(lengths, &order[done], left, lanes);
        const size_t batch = vectors * lanes, here = std::min(batch, left);
        std::vector<int> length(batch, 0);
        std::vector<const int*> at(batch, nullptr);
        std::vector<unsigned char*> to(batch, nullptr);
        for (size_t b = 0; b < here; b++) {
            const size_t n = order[done + b];
            length[b] = int(lengths[n]), at[b] = local.data() + first[n], to[b] = tags + first[n];
        }
        const size_t floats = steps * (2 * h + model.padded_tags) + 6 * h;
        const size_t wanted = (floats + (steps * model.tags + 3) / 4) * batch + ALIGNED;
        if (wanted > room) {
            memory.reset();  // first, so that there are never two
            memory.reset(new float[room = wanted]);
        }
        const Group group = {int(steps), length.data(), at.data(), to.data()};
        kernel.tag[vectors - 1](model, group, table.get(), aligned(memory.get()));
        done += here;
    }
}

}  // namespace lac

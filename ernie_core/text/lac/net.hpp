// The tagging net of LAC: two bidirectional GRU layers and a CRF. Own code; the weights are those that LAC ships.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace lac {

// Row-major float32 arrays that are only read while a Net is made, except `embedding`, which is used on.
struct Weights {
    int units, width, hidden, tags;
    const float* embedding;           // [units][width]
    const float *input[2][2];         // layer, direction: [width or 2 * hidden][3 * hidden], update, reset, candidate
    const float *input_bias[2][2];    // [3 * hidden]
    const float *gates[2][2];         // [hidden][2 * hidden], update and reset
    const float *candidate[2][2];     // [hidden][hidden]
    const float *bias[2][2];          // [3 * hidden]
    const float *emission, *emission_bias;  // [2 * hidden][tags], [tags]
    const float* crf;                 // [tags + 2][tags]: start, end, from-to
};

enum Path { PORTABLE, AVX2, AVX512 };

// The best path that this processor can take.
Path best_path();

class Net {
  public:
    Net(const Weights& weights, Path path);
    ~Net();
    Net(const Net&) = delete;
    Net& operator=(const Net&) = delete;

    // The tags of `count` consecutive sentences in `units`; every unit is below weights.units.
    // Several threads may call this at once.
    void tag(const int32_t* units, const int64_t* lengths, size_t count, uint8_t* tags) const;

  private:
    struct Inside;
    std::unique_ptr<Inside> inside;
};

}  // namespace lac

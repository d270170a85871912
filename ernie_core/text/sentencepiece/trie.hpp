// A double array over byte strings: one array access a byte, and the value is beside the link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sentencepiece {

struct Key {
    const uint8_t* bytes;
    size_t size;
    int32_t value;
};

class Trie {
  public:
    struct Node {
        int32_t base;   // the child for byte c is at base + c
        int32_t parent; // whose child this is, -1 if free
        int32_t value;  // -1 without one
        float score;    // of the value; it is read together with it
    };

    // Keys are sorted, different and not empty; `score` has one number for each value.
    void build(const std::vector<Key>& keys, const float* score);

    // The child of a node for a byte, -1 if there is none. The root is 0.
    int32_t step(int32_t node, uint8_t byte) const {
        const int32_t at = nodes_[node].base + byte;
        return nodes_[at].parent == node ? at : -1;
    }
    const Node& operator[](int32_t node) const { return nodes_[node]; }

  private:
    void place(const std::vector<Key>& keys, size_t begin, size_t end, size_t depth, int32_t node, const float* score);
    int32_t room(const std::vector<uint8_t>& labels);
    void grow(size_t size);

    std::vector<Node> nodes_;
    size_t first_free_ = 1;
};

}  // namespace sentencepiece

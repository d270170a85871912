#include "trie.hpp"

#include <algorithm>

namespace sentencepiece {

namespace {
constexpr size_t ENOUGH = 1024;  // places from which their share that is taken says something
constexpr double FULL = 0.9;
}

void Trie::grow(size_t size) {
    if (nodes_.size() < size) nodes_.resize(std::max(size, nodes_.size() * 2), Node{0, -1, -1, 0});
}

int32_t Trie::room(const std::vector<uint8_t>& labels) {
    grow(first_free_ + 512);
    while (nodes_[first_free_].parent != -1) grow(++first_free_ + 512);
    const size_t start = std::max<size_t>(first_free_, labels[0] + 1);
    size_t taken = 0;
    for (size_t at = start;; ++at) {
        grow(at + 512);
        if (nodes_[at].parent != -1) {
            ++taken;
            continue;
        }
        const size_t base = at - labels[0];
        bool fits = true;
        for (size_t n = 1; n < labels.size() && fits; ++n) fits = nodes_[base + labels[n]].parent == -1;
        if (!fits) continue;
        // what is nearly full is not searched again
        if (at - start >= ENOUGH && taken >= (at - start) * FULL) first_free_ = at;
        return static_cast<int32_t>(base);
    }
}

void Trie::place(
    const std::vector<Key>& keys, size_t begin, size_t end, size_t depth, int32_t node, const float* score
) {
    if (keys[begin].size == depth) {
        nodes_[node].value = keys[begin].value;
        nodes_[node].score = score[keys[begin].value];
        ++begin;
    }
    std::vector<uint8_t> labels;
    std::vector<size_t> begins;
    for (size_t at = begin; at < end; ++at) {
        if (labels.empty() || labels.back() != keys[at].bytes[depth]) {
            labels.push_back(keys[at].bytes[depth]);
            begins.push_back(at);
        }
    }
    if (labels.empty()) return;  // base 0: the places behind it belong to others, whose parent differs
    begins.push_back(end);
    const int32_t base = room(labels);
    nodes_[node].base = base;
    for (const uint8_t label : labels) nodes_[base + label].parent = node;
    for (size_t n = 0; n < labels.size(); ++n) {
        place(keys, begins[n], begins[n + 1], depth + 1, base + labels[n], score);
    }
}

void Trie::build(const std::vector<Key>& keys, const float* score) {
    nodes_.clear();
    grow(1024);
    nodes_[0].parent = -2;  // taken, and nobody's child
    first_free_ = 1;
    if (!keys.empty()) place(keys, 0, keys.size(), 0, 0, score);
    grow(nodes_.size() + 256);  // every base + byte is inside
}

}  // namespace sentencepiece

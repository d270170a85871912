// The dictionary pass before LAC's larger net: text to the units that the net knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace lac {

class Lexicon {
  public:
    // `keys`: one to three code points, 21 bits each, the first one lowest; `units[n]` is the net's unit or -1,
    // `words[n]` whether the pass may cut it out. `single`: the unit of each code point below `singles`.
    // `one`, `two`, `three`: the scores of words of so many code points.
    Lexicon(const uint64_t* keys, const int32_t* units, const uint8_t* words, size_t count, const int32_t* single,
            size_t singles, double one, double two, double three);

    // The unit of a token of more than three code points.
    void add(const uint32_t* token, size_t size, int32_t unit);

    // Units and the number of code points that each stands for; per text the number of units; returns the total.
    size_t cut(const uint32_t* codes, const int64_t* lengths, size_t count, int32_t* units, int32_t* widths,
               int64_t* numbers) const;

  private:
    struct Entry {
        uint64_t key = 0;
        int32_t unit = -1;
        bool word = false;
    };

    const Entry* find(uint64_t key) const;
    int32_t unit_of(const uint32_t* token, size_t size) const;

    std::vector<Entry> entries;  // open addressing; no key is 0
    std::unordered_map<std::u32string, int32_t> long_tokens;
    std::vector<int32_t> single;
    double scores[4];
};

}  // namespace lac

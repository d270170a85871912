// A text as the pieces of a model spell it: the rules of its charsmap, and signs in place of spaces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sentencepiece {

struct Place {
    uint32_t begin, end;  // bytes of the text
};

class Normaliser {
  public:
    // `map` is checked by model.py; `own` are the symbols that stay as they are, the longest first.
    Normaliser(const uint8_t* map, size_t size, std::vector<std::string> own, bool dummy_prefix, bool squeeze);

    // `places` may be null; else it gets the origin of every byte of `found`.
    void apply(const uint8_t* text, size_t size, std::string& found, std::vector<Place>* places);

  private:
    struct Change {
        const char* text;  // null for the character itself
        uint32_t size;     // of `text`
        uint32_t taken;    // bytes of the original
    };
    // What is known of a code point whatever follows: its own change, and how the keys of longer rules go on.
    struct Known {
        const char* text;
        uint64_t leads;  // bit n: with byte 0xC0 + n
        uint32_t size;
        bool learnt, alone;  // `alone`: nothing below 0xC0 goes on
    };
    Change next(const uint8_t* at, const uint8_t* end);
    Change search(const uint8_t* at, const uint8_t* end) const;
    Change rule(uint32_t value, uint32_t taken) const;
    void learn(Known& known, const uint8_t* at, size_t width) const;

    std::vector<uint32_t> units_;
    std::string strings_;
    std::vector<std::string> own_;
    bool own_first_[256] = {};
    bool dummy_prefix_, squeeze_;
    std::vector<Known> known_;
};

// Number of bytes of the character at the beginning, 0 if it is not UTF-8.
size_t width(const uint8_t* at, const uint8_t* end);

}  // namespace sentencepiece

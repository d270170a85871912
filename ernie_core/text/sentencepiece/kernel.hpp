// Texts to tokens: normalisation, the most probable pieces, and the tokens of a vocabulary that these are divided into.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "words.hpp"

namespace sentencepiece {

// What model.py has read and checked, and the vocabulary.
struct Given {
    const uint8_t* pieces;
    const int64_t* piece_starts;  // one more than pieces
    const float* scores;
    const uint8_t* types;
    int32_t count, unknown_piece;
    const uint8_t* charsmap;
    size_t charsmap_size;
    bool dummy_prefix, squeeze;
    const uint8_t* tokens;
    const int64_t* token_starts;
    int32_t token_count, unknown_token;
    const uint32_t* digits;  // first and last code point of each run
    size_t digit_runs;
};

// Not for several threads at once: it learns.
class Kernel {
  public:
    explicit Kernel(const Given& given);
    ~Kernel();
    // `begins` may be null; else it gets 1 for every token behind a space, or the first.
    void ids(const uint8_t* text, size_t size, std::vector<int32_t>& found, std::vector<uint8_t>* begins);
    // Places are bytes of the text.
    void trace(const uint8_t* text, size_t size, std::vector<Token>& found);
    size_t words_kept() const;  // in the cache, for tests

  private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace sentencepiece

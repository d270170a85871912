// Words that were cut before, with what decides whether they are cut alike behind other words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace sentencepiece {

struct Token {
    int32_t id;
    uint32_t begin, end;
};

struct Word {
    float margin;  // how much its path is better than all others
    float weight;  // the largest of its sums
    float error;   // what two sums may be off by, for each unit of their size
    uint32_t size, pieces, count;
    const uint8_t* key;
    const double* scores;  // of its pieces
    const Token* tokens;
};

class Words {
  public:
    static uint64_t hash(const uint8_t* key, size_t size) {
        uint64_t found = size * 0x9E3779B97F4A7C15ull;
        for (; size >= 8; key += 8, size -= 8) {
            uint64_t part;
            std::memcpy(&part, key, 8);
            found = mix(found ^ part);
        }
        uint64_t rest = 0;
        std::memcpy(&rest, key, size);
        return mix(found ^ rest);
    }

    const Word* find(uint64_t hash, const uint8_t* key, size_t size) const {
        for (size_t n = 0; n < NEAR && !slots_.empty(); ++n) {
            const Slot& slot = slots_[(hash + n) & (slots_.size() - 1)];
            if (!slot.word) return nullptr;
            if (slot.hash == hash && slot.word->size == size && !std::memcmp(slot.word->key, key, size)) return slot.word;
        }
        return nullptr;
    }

    // Everything that `word` points to is copied. Where there is no room near its place, it is not kept.
    void keep(uint64_t hash, const Word& word) {
        if (held_ >= MOST) clear();
        if (slots_.empty() || held_ * 4 > slots_.size()) grow();
        Slot* slot = place(hash);
        if (!slot) return;
        Word* own = static_cast<Word*>(room(sizeof(Word)));
        *own = word;
        own->scores = static_cast<const double*>(copy(word.scores, word.pieces * sizeof(double)));
        own->tokens = static_cast<const Token*>(copy(word.tokens, word.count * sizeof(Token)));
        own->key = static_cast<const uint8_t*>(copy(word.key, word.size));
        *slot = Slot{hash, own};
        ++held_;
    }

    size_t size() const { return held_; }

  private:
    struct Slot {
        uint64_t hash;
        const Word* word;
    };
    static constexpr size_t NEAR = 16, MOST = 1 << 18, BLOCK = 1 << 18;

    static uint64_t mix(uint64_t value) {
        value *= 0xD6E8FEB86659FD93ull;
        value ^= value >> 32;
        value *= 0xD6E8FEB86659FD93ull;
        return value ^ value >> 32;
    }
    Slot* place(uint64_t hash) {
        for (size_t n = 0; n < NEAR; ++n) {
            Slot& slot = slots_[(hash + n) & (slots_.size() - 1)];
            if (!slot.word) return &slot;
        }
        return nullptr;
    }
    void grow() {
        std::vector<Slot> old(slots_.empty() ? 4096 : slots_.size() * 4, Slot{0, nullptr});
        old.swap(slots_);
        held_ = 0;
        for (const Slot& one : old) {
            if (!one.word) continue;
            if (Slot* slot = place(one.hash)) *slot = one, ++held_;
        }
    }
    void clear() {
        blocks_.clear();
        used_ = BLOCK;
        slots_.assign(slots_.size(), Slot{0, nullptr});
        held_ = 0;
    }
    void* room(size_t size) {
        size = (size + 7) & ~static_cast<size_t>(7);
        if (used_ + size > BLOCK) {
            blocks_.emplace_back(new uint64_t[BLOCK / 8]);  // a word has a few hundred bytes at most
            used_ = 0;
        }
        void* found = reinterpret_cast<uint8_t*>(blocks_.back().get()) + used_;
        used_ += size;
        return found;
    }
    const void* copy(const void* from, size_t size) {
        void* found = room(size);
        if (size) std::memcpy(found, from, size);
        return found;
    }

    std::vector<Slot> slots_;
    std::vector<std::unique_ptr<uint64_t[]>> blocks_;
    size_t used_ = BLOCK, held_ = 0;
};

}  // namespace sentencepiece

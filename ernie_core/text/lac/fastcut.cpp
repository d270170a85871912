// The dictionary pass before LAC's larger net.

#include "fastcut.hpp"

namespace lac {
namespace {

const int BITS = 21;  // of a code point

uint64_t key_of(const uint32_t* codes, size_t size) {
    uint64_t key = 0;
    // One is added, so that U+0000 counts and no key is 0.
    for (size_t n = 0; n < size; n++) key |= uint64_t(codes[n] + 1) << (BITS * n);
    return key;
}

size_t slot_of(uint64_t key, size_t slots) { return size_t((key * 0x9E3779B97F4A7C15u) >> 32) & (slots - 1); }

bool is_alphanumeric(uint32_t c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

Lexicon::Lexicon(const uint64_t* keys, const int32_t* units, const uint8_t* words, size_t count,
                 const int32_t* single_units, size_t singles, double one, double two, double three)
    : single(single_units, single_units + singles), scores{0, one, two, three} {
    size_t slots = 16;
    while (slots < 3 * count) slots *= 2;
    entries.resize(slots);
    for (size_t n = 0; n < count; n++) {
        size_t slot = slot_of(keys[n], slots);
        while (entries[slot].key) slot = (slot + 1) & (slots - 1);
        entries[slot].key = keys[n];
        entries[slot].unit = units[n];
        entries[slot].word = words[n] != 0;
    }
}

void Lexicon::add(const uint32_t* token, size_t size, int32_t unit) {
    long_tokens[std::u32string(token, token + size)] = unit;
}

const Lexicon::Entry* Lexicon::find(uint64_t key) const {
    const size_t slots = entries.size();
    for (size_t slot = slot_of(key, slots); entries[slot].key; slot = (slot + 1) & (slots - 1))
        if (entries[slot].key == key) return &entries[slot];
    return nullptr;
}

int32_t Lexicon::unit_of(const uint32_t* token, size_t size) const {
    if (size <= 3) {
        const Entry* entry = find(key_of(token, size));
        return entry ? entry->unit : -1;
    }
    const auto found = long_tokens.find(std::u32string(token, token + size));
    return found == long_tokens.end() ? -1 : found->second;
}

size_t Lexicon::cut(const uint32_t* codes, const int64_t* lengths, size_t count, int32_t* units, int32_t* widths,
                    int64_t* numbers) const {
    size_t written = 0;
    std::vector<double> best;
    std::vector<uint8_t> taken;
    const auto emit = [&](const uint32_t* token, size_t size) {
        const int32_t unit = size > 1 ? unit_of(token, size) : -1;
        if (unit >= 0) {
            units[written] = unit;
            widths[written++] = int32_t(size);
            return;
        }
        for (size_t n = 0; n < size; n++) {
            units[written] = single[token[n]];
            widths[written++] = 1;
        }
    };
    for (size_t text = 0; text < count; codes += lengths[text++]) {
        const size_t length = size_t(lengths[text]), before = written;
        best.assign(length + 1, 0.0);
        taken.assign(length, 1);
        for (size_t at = length; at-- > 0;) {
            best[at] = scores[1] + best[at + 1];
            for (size_t size = 2; size <= 3 && at + size <= length; size++) {
                const Entry* entry = find(key_of(codes + at, size));
                if (!entry || !entry->word) continue;
                const double score = scores[size] + best[at + size];
                if (score >= best[at]) {  // of two equally good cuts the longer word
                    best[at] = score;
                    taken[at] = uint8_t(size);
                }
            }
        }
        size_t run = 0;  // single letters and digits that wait to be one token
        for (size_t at = 0; at < length; at += taken[at]) {
            if (taken[at] == 1 && is_alphanumeric(codes[at])) {
                run++;
                continue;
            }
            if (run) emit(codes + at - run, run);
            run = 0;
            emit(codes + at, taken[at]);
        }
        if (run) emit(codes + length - run, run);
        numbers[text] = int64_t(written - before);
    }
    return written;
}

}  // namespace lac

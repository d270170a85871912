#include "normaliser.hpp"

#include <cstring>

namespace sentencepiece {

namespace {

constexpr uint32_t PLANE = 1 << 16;
const char SPACE[] = "\xe2\x96\x81";
const char REPLACEMENT[] = "\xef\xbf\xbd";

// The double array is that of Darts-clone: label and leaf bit in a unit, children where its offset says.
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
bool has_label(uint32_t unit, uint8_t byte) { return (unit & 0x800000FFu) == byte; }

uint32_t code(const uint8_t* at, size_t width) {
    switch (width) {
        case 1: return at[0];
        case 2: return (at[0] & 0x1F) << 6 | (at[1] & 0x3F);
        case 3: return (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F);
        default: return PLANE;
    }
}

}  // namespace

size_t width(const uint8_t* at, const uint8_t* end) {
    const uint8_t lead = *at;
    if (lead < 0x80) return 1;
    const size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (!size || static_cast<size_t>(end - at) < size) return 0;
    for (size_t n = 1; n < size; ++n) {
        if ((at[n] & 0xC0) != 0x80) return 0;
    }
    if (lead == 0xE0 && at[1] < 0xA0) return 0;
    if (lead == 0xED && at[1] >= 0xA0) return 0;
    if (lead == 0xF0 && at[1] < 0x90) return 0;
    if (lead == 0xF4 && at[1] >= 0x90) return 0;
    return size;
}

Normaliser::Normaliser(const uint8_t* map, size_t size, std::vector<std::string> own, bool dummy_prefix, bool squeeze)
    : own_(std::move(own)), dummy_prefix_(dummy_prefix), squeeze_(squeeze), known_(PLANE) {
    if (size >= 8) {
        uint32_t bytes;
        std::memcpy(&bytes, map, 4);
        units_.resize(bytes / 4);
        std::memcpy(units_.data(), map + 4, bytes);
        strings_.assign(reinterpret_cast<const char*>(map) + 4 + bytes, size - 4 - bytes);
    }
    for (const auto& symbol : own_) own_first_[static_cast<uint8_t>(symbol[0])] = true;
}

Normaliser::Change Normaliser::rule(uint32_t value, uint32_t taken) const {
    if (value >= strings_.size()) return {"", 0, taken};
    const char* text = strings_.data() + value;  // the last byte of all is 0
    return {text, static_cast<uint32_t>(std::strlen(text)), taken};
}

Normaliser::Change Normaliser::search(const uint8_t* at, const uint8_t* end) const {
    uint32_t value = 0, taken = 0;
    if (!units_.empty()) {
        uint32_t node = offset(units_[0]);
        for (const uint8_t* now = at; now < end; ++now) {
            node ^= *now;
            if (node >= units_.size() || !has_label(units_[node], *now)) break;
            const uint32_t unit = units_[node];
            node ^= offset(unit);
            if ((unit >> 8 & 1) && node < units_.size()) {
                value = units_[node] & 0x7FFFFFFFu;
                taken = static_cast<uint32_t>(now + 1 - at);
            }
        }
    }
    if (taken) return rule(value, taken);
    const size_t size = width(at, end);
    return size ? Change{nullptr, 0, static_cast<uint32_t>(size)} : Change{REPLACEMENT, 3, 1};
}

void Normaliser::learn(Known& known, const uint8_t* at, size_t width) const {
    const Change change = search(at, at + width);
    known = Known{change.text, 0, change.size, true, true};
    uint32_t node = units_.empty() ? 0 : offset(units_[0]);
    for (size_t n = 0; n < width && !units_.empty(); ++n) {
        node ^= at[n];
        if (node >= units_.size() || !has_label(units_[node], at[n])) {
            if (change.taken != width) known.leads = ~0ull, known.alone = false;
            return;
        }
        node ^= offset(units_[node]);
    }
    for (uint32_t byte = 1; byte < 256 && !units_.empty(); ++byte) {
        const uint32_t child = node ^ byte;
        if (child >= units_.size() || !has_label(units_[child], static_cast<uint8_t>(byte))) continue;
        if (byte >= 0xC0) {
            known.leads |= 1ull << (byte - 0xC0);
        } else {
            known.alone = false;
        }
    }
    // a rule for some bytes of a character alone: only a search finds what is longest
    if (change.taken != width) known.leads = ~0ull, known.alone = false;
}

Normaliser::Change Normaliser::next(const uint8_t* at, const uint8_t* end) {
    if (own_first_[*at]) {
        for (const auto& symbol : own_) {
            if (static_cast<size_t>(end - at) >= symbol.size() && !std::memcmp(at, symbol.data(), symbol.size())) {
                return {reinterpret_cast<const char*>(at), static_cast<uint32_t>(symbol.size()),
                        static_cast<uint32_t>(symbol.size())};
            }
        }
    }
    const size_t size = width(at, end);
    const uint32_t number = size ? code(at, size) : PLANE;
    if (number >= PLANE) return search(at, end);
    Known& known = known_[number];
    if (!known.learnt) learn(known, at, size);
    const uint8_t* behind = at + size;
    if (behind < end) {
        const bool longer = *behind >= 0xC0 ? known.leads >> (*behind - 0xC0) & 1 : !known.alone;
        if (longer) return search(at, end);
    } else if (!known.alone && known.leads == ~0ull) {
        return search(at, end);
    }
    return {known.text, known.size, static_cast<uint32_t>(size)};
}

void Normaliser::apply(const uint8_t* text, size_t size, std::string& found, std::vector<Place>* places) {
    found.clear();
    if (places) places->clear();
    const uint8_t *at = text, *end = text + size;
    auto origin = [&](const uint8_t* begin, uint32_t taken) {
        const uint32_t first = static_cast<uint32_t>(begin - text);
        if (places) places->resize(found.size(), Place{first, first + taken});
    };
    while (squeeze_ && at < end) {
        const Change change = next(at, end);
        const bool is_space = change.text ? change.size == 1 && *change.text == ' ' : *at == ' ';
        if (!is_space) break;
        at += change.taken;
    }
    if (at == end) return;
    if (dummy_prefix_) {
        found.append(SPACE, 3);
        origin(at, 0);
    }
    bool behind_space = squeeze_;
    while (at < end) {
        const Change change = next(at, end);
        const char* become = change.text ? change.text : reinterpret_cast<const char*>(at);
        uint32_t left = change.text ? change.size : change.taken;
        while (behind_space && left && *become == ' ') ++become, --left;
        if (left) {
            behind_space = squeeze_ && become[left - 1] == ' ';
            for (const char* stop = become + left; become < stop; ++become) {
                if (*become == ' ') {
                    found.append(SPACE, 3);
                } else {
                    found.push_back(*become);
                }
            }
            origin(at, change.taken);
        }
        at += change.taken;
    }
    while (squeeze_ && found.size() >= 3 && !found.compare(found.size() - 3, 3, SPACE)) found.resize(found.size() - 3);
    if (places) places->resize(found.size());
}

}  // namespace sentencepiece

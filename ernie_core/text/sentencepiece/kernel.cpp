#include "kernel.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "normaliser.hpp"
#include "trie.hpp"

namespace sentencepiece {

namespace {

enum { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED };
constexpr size_t LONGEST_WORD = 64;  // bytes of a word that is kept
const char SPACE[] = "\xe2\x96\x81";

// The best path that ends at a byte, as sentencepiece computes it.
struct Node {
    float score;
    int32_t begin, piece;  // begin -1: none yet
};

// The same in exact numbers, from the beginning of the word.
struct Exact {
    double score, second;  // `second`: of the best path with another last piece
    int32_t begin, piece;
};

struct Step {
    uint32_t begin, end;
    int32_t piece;
};

size_t lead_width(uint8_t lead) { return lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

uint32_t decode(const uint8_t* at, size_t size) {
    switch (size) {
        case 1: return at[0];
        case 2: return (at[0] & 0x1F) << 6 | (at[1] & 0x3F);
        case 3: return (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F);
        default: return (at[0] & 0x07) << 18 | (at[1] & 0x3F) << 12 | (at[2] & 0x3F) << 6 | (at[3] & 0x3F);
    }
}

bool stands_alone(uint32_t code) {
    if (code >= 0x4E00 && code <= 0x9FFF) return true;
    switch (code) {  // MARKS of rules.py
        case ',': case ';': case ':': case '.': case '?': case '!': case '~':
        case 0xFF0C: case 0xFF1B: case 0xFF1A: case 0x3002: case 0xFF1F: case 0xFF01:
        case 0x300A: case 0x300B: case 0x3010: case 0x3011: return true;
        default: return false;
    }
}

}  // namespace

struct Kernel::Inside {
    explicit Inside(const Given& given);

    void split(const uint8_t* piece, size_t size, std::vector<Token>& found) const;
    void add_tokens(const uint8_t* word, size_t begin, size_t end, int32_t piece, std::vector<Token>& found) const;
    void search(const uint8_t* word, size_t size);
    void divide(const uint8_t* word);
    void learn(uint64_t hash, const uint8_t* word, size_t size);
    std::pair<const Token*, size_t> cut(const uint8_t* word, size_t size);
    double value(int32_t piece, size_t size) const {
        return types[piece] == USER_DEFINED ? size * most - 0.1 : static_cast<double>(scores[piece]);
    }

    template <class Add> void each(const uint8_t* word, size_t size, Add add) const;
    template <class Add> void run(const uint8_t* raw, size_t size, std::vector<Place>* from, Add add);

    Trie trie;
    Normaliser normaliser;
    std::vector<std::string> held;  // pieces and tokens, which `ids` and the trie point into
    std::vector<uint8_t> types;
    std::vector<float> scores;
    std::unordered_map<std::string_view, int32_t> ids;
    std::vector<Token> parts;        // tokens of all pieces; places are bytes of the piece
    std::vector<uint32_t> parts_at;  // where those of each begin
    std::vector<bool> is_digit;
    int32_t unknown_piece, unknown_token;
    float unknown_score, most;
    bool apart;  // whether no piece crosses the beginning of a word
    Words words;

    std::string text;
    std::vector<Place> places;
    std::vector<Node> best;
    std::vector<Exact> exact;
    std::vector<Step> path;
    std::vector<double> values;  // scores of the pieces of the path
    std::vector<Token> tokens;   // of the word
    float score = 0;             // of the best path up to here
};

namespace {

std::vector<std::string> own_symbols(const Given& given) {
    std::vector<std::string> found;
    for (int32_t n = 0; n < given.count; ++n) {
        if (given.types[n] != USER_DEFINED) continue;
        const int64_t begin = given.piece_starts[n];
        found.emplace_back(reinterpret_cast<const char*>(given.pieces) + begin, given.piece_starts[n + 1] - begin);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    return found;
}

}  // namespace

Kernel::Inside::Inside(const Given& given)
    : normaliser(given.charsmap, given.charsmap_size, own_symbols(given), given.dummy_prefix, given.squeeze),
      types(given.types, given.types + given.count),
      scores(given.scores, given.scores + given.count),
      is_digit(0x110000),
      unknown_piece(given.unknown_piece),
      unknown_token(given.unknown_token) {
    for (size_t n = 0; n < given.digit_runs; ++n) {
        std::fill(is_digit.begin() + given.digits[2 * n], is_digit.begin() + given.digits[2 * n + 1] + 1, true);
    }
    held.reserve(2);
    held.emplace_back(reinterpret_cast<const char*>(given.pieces), given.piece_starts[given.count]);
    held.emplace_back(reinterpret_cast<const char*>(given.tokens), given.token_starts[given.token_count]);
    ids.reserve(given.token_count);
    for (int32_t n = 0; n < given.token_count; ++n) {
        const int64_t begin = given.token_starts[n], end = given.token_starts[n + 1];
        ids.emplace(std::string_view(held[1]).substr(begin, end - begin), n);
    }
    float least = FLT_MAX;
    most = FLT_MIN;
    apart = false;
    bool crossed = false;
    std::vector<Key> keys;
    parts_at.reserve(given.count + 1);
    for (int32_t n = 0; n < given.count; ++n) {
        parts_at.push_back(static_cast<uint32_t>(parts.size()));
        const int64_t begin = given.piece_starts[n];
        const std::string_view piece = std::string_view(held[0]).substr(begin, given.piece_starts[n + 1] - begin);
        if (types[n] == NORMAL) {
            least = std::min(least, scores[n]);
            most = std::max(most, scores[n]);
        }
        if (types[n] != NORMAL && types[n] != USER_DEFINED && types[n] != UNUSED) continue;
        const auto* bytes = reinterpret_cast<const uint8_t*>(piece.data());
        keys.push_back(Key{bytes, piece.size(), n});
        split(bytes, piece.size(), parts);
        apart = apart || (piece == SPACE && types[n] == NORMAL);
        crossed = crossed || piece.find(SPACE, 1) != std::string_view::npos;
    }
    parts_at.push_back(static_cast<uint32_t>(parts.size()));
    apart = apart && !crossed;
    unknown_score = least - 10.0f;
    std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
        const int order = std::memcmp(a.bytes, b.bytes, std::min(a.size, b.size));
        return order ? order < 0 : a.size < b.size;
    });
    trie.build(keys, scores.data());
}

void Kernel::Inside::split(const uint8_t* piece, size_t size, std::vector<Token>& found) const {
    if (size == 3 && !std::memcmp(piece, SPACE, 3)) return;
    size_t begin = 0;
    auto add = [&](size_t first, size_t last) {
        const std::string_view token(reinterpret_cast<const char*>(piece) + first, last - first);
        const auto known = ids.find(token);
        // the space is not part of the word
        const size_t sign = token.size() > 3 && !token.compare(0, 3, SPACE) ? 3 : 0;
        found.push_back(Token{
            known == ids.end() ? unknown_token : known->second,
            static_cast<uint32_t>(first + sign), static_cast<uint32_t>(last)
        });
    };
    auto end = [&](size_t at) {
        if (at > begin && !(at - begin == 3 && !std::memcmp(piece + begin, SPACE, 3))) add(begin, at);
    };
    bool was_digit = false;
    for (size_t at = 0, width; at < size; at += width) {
        width = std::min(lead_width(piece[at]), size - at);
        const uint32_t code = decode(piece + at, width);
        const bool digit = code < is_digit.size() && is_digit[code];
        if (code == 0x2581) {
            // it belongs to what comes behind it
        } else if (stands_alone(code)) {
            end(at);
            add(at, at + width);
            begin = at + width;
        } else if (at && digit != was_digit) {
            end(at);
            begin = at;
        }
        was_digit = digit;
    }
    if (size > begin) add(begin, size);
}

void Kernel::Inside::add_tokens(
    const uint8_t* word, size_t begin, size_t end, int32_t piece, std::vector<Token>& found
) const {
    const size_t before = found.size();
    if (piece == unknown_piece) {
        split(word + begin, end - begin, found);
    } else {
        found.insert(found.end(), parts.begin() + parts_at[piece], parts.begin() + parts_at[piece + 1]);
    }
    for (size_t n = before; n < found.size(); ++n) {
        found[n].begin += static_cast<uint32_t>(begin);
        found[n].end += static_cast<uint32_t>(begin);
    }
}

// Every piece at every character: first and last byte, number, score, and whether the score is that of an unknown one.
template <class Add> void Kernel::Inside::each(const uint8_t* word, size_t size, Add add) const {
    for (size_t begin = 0, width; begin < size; begin += width) {
        width = std::min(lead_width(word[begin]), size - begin);
        bool single = false;
        int32_t node = 0;
        for (size_t end = begin; end < size;) {
            node = trie.step(node, word[end++]);
            if (node < 0) break;
            const int32_t piece = trie[node].value;
            if (piece < 0 || types[piece] == UNUSED) continue;
            const bool own = types[piece] == USER_DEFINED;
            add(begin, end, piece, own ? value(piece, end - begin) : static_cast<double>(trie[node].score), false);
            single = single || end - begin == width;
        }
        if (!single) add(begin, begin + width, unknown_piece, static_cast<double>(unknown_score), true);
    }
}

// The most probable pieces of a word behind what has `score`: sums are float32, and compared before they are rounded,
// as sentencepiece does it.
void Kernel::Inside::search(const uint8_t* word, size_t size) {
    best.assign(size + 1, Node{0, -1, -1});
    best[0].score = score;
    each(word, size, [&](size_t begin, size_t end, int32_t piece, double value, bool unknown) {
        double sum = value + best[begin].score;
        if (unknown) sum = static_cast<float>(sum);
        Node& node = best[end];
        if (node.begin < 0 || sum > node.score) {
            node = Node{static_cast<float>(sum), static_cast<int32_t>(begin), piece};
        }
    });
    score = best[size].score;
    path.clear();
    for (size_t at = size; at; at = best[at].begin) {
        path.push_back(Step{static_cast<uint32_t>(best[at].begin), static_cast<uint32_t>(at), best[at].piece});
    }
    std::reverse(path.begin(), path.end());
}

void Kernel::Inside::divide(const uint8_t* word) {
    tokens.clear();
    for (size_t n = 0; n < path.size(); ++n) {
        const Step& step = path[n];
        uint32_t end = step.end;
        if (step.piece == unknown_piece) {  // unknown characters in a row are one
            while (n + 1 < path.size() && path[n + 1].piece == unknown_piece) end = path[++n].end;
        }
        add_tokens(word, step.begin, end, step.piece, tokens);
    }
}

// Keeps a word that was cut just now. In exact numbers, the margin of a path is the least difference to the best other
// last piece at any of its ends; it is 0 if the path is not the best.
void Kernel::Inside::learn(uint64_t hash, const uint8_t* word, size_t size) {
    exact.assign(size + 1, Exact{-HUGE_VAL, -HUGE_VAL, -1, -1});
    exact[0].score = 0;
    each(word, size, [&](size_t begin, size_t end, int32_t piece, double value, bool) {
        const double sum = value + exact[begin].score;
        Exact& node = exact[end];
        if (sum > node.score) {
            node = Exact{sum, node.score, static_cast<int32_t>(begin), piece};
        } else {
            node.second = std::max(node.second, sum);
        }
    });
    double margin = HUGE_VAL, weight = 0;
    values.clear();
    for (const Step& step : path) {
        const Exact& node = exact[step.end];
        const bool is_best = node.begin == static_cast<int32_t>(step.begin) && node.piece == step.piece;
        margin = is_best ? std::min(margin, node.score - node.second) : 0;
        if (!is_best) break;
        weight = std::max(weight, std::fabs(node.score));
        values.push_back(
            step.piece == unknown_piece ? static_cast<double>(unknown_score) : value(step.piece, step.end - step.begin)
        );
    }
    if (!(margin > 0)) values.clear();
    Word found;
    found.margin = margin > FLT_MAX ? FLT_MAX : static_cast<float>(margin) * 0.999f;
    found.weight = static_cast<float>(weight) * 1.001f;
    found.error = 2.2f * static_cast<float>(size + 1) * 0x1p-24f;
    found.size = static_cast<uint32_t>(size);
    found.pieces = static_cast<uint32_t>(values.size());
    found.count = static_cast<uint32_t>(tokens.size());
    found.key = word;
    found.scores = values.data();
    found.tokens = tokens.data();
    words.keep(hash, found);
}

// The tokens of a word, and `score` behind it.
std::pair<const Token*, size_t> Kernel::Inside::cut(const uint8_t* word, size_t size) {
    const bool short_word = apart && size <= LONGEST_WORD;
    const uint64_t hash = short_word ? Words::hash(word, size) : 0;
    const Word* known = short_word ? words.find(hash, word, size) : nullptr;
    // A sum of float32 is off by at most 2^-24 of its size for each step. Where paths differ by more than the errors of
    // two of them, what came before cannot change which is best.
    if (known && known->margin > (std::fabs(score) + known->weight) * known->error) {
        for (uint32_t n = 0; n < known->pieces; ++n) score = static_cast<float>(known->scores[n] + score);
        return {known->tokens, known->count};
    }
    search(word, size);
    divide(word);
    if (short_word && !known) learn(hash, word, size);
    return {tokens.data(), tokens.size()};
}

template <class Add> void Kernel::Inside::run(const uint8_t* raw, size_t size, std::vector<Place>* from, Add add) {
    normaliser.apply(raw, size, text, from);
    score = 0;
    const auto* begin = reinterpret_cast<const uint8_t*>(text.data());
    const uint8_t* end = begin + text.size();
    for (const uint8_t* word = begin; word < end;) {
        const uint8_t* next = apart ? word + 1 : end;
        while (next < end) {
            next = static_cast<const uint8_t*>(std::memchr(next, 0xE2, end - next));
            if (!next) next = end;
            if (next == end || (end - next >= 3 && next[1] == 0x96 && next[2] == 0x81)) break;
            ++next;
        }
        const auto found = cut(word, next - word);
        for (size_t n = 0; n < found.second; ++n) add(found.first[n], static_cast<uint32_t>(word - begin));
        word = next;
    }
}

Kernel::Kernel(const Given& given) : inside_(new Inside(given)) {}
Kernel::~Kernel() = default;

void Kernel::ids(const uint8_t* text, size_t size, std::vector<int32_t>& found, std::vector<uint8_t>* begins) {
    if (!begins) {
        inside_->run(text, size, nullptr, [&](const Token& token, uint32_t) { found.push_back(token.id); });
        return;
    }
    const std::string& spelt = inside_->text;
    inside_->run(text, size, nullptr, [&](const Token& token, uint32_t word) {
        const size_t at = word + token.begin;
        found.push_back(token.id);
        begins->push_back(!at || (at >= 3 && !spelt.compare(at - 3, 3, SPACE)));
    });
}

void Kernel::trace(const uint8_t* text, size_t size, std::vector<Token>& found) {
    const auto& places = inside_->places;
    inside_->run(text, size, &inside_->places, [&](const Token& token, uint32_t at) {
        found.push_back(Token{token.id, places[at + token.begin].begin, places[at + token.end - 1].end});
    });
}

size_t Kernel::words_kept() const { return inside_->words.size(); }

}  // namespace sentencepiece

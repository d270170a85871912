// Fuzzes LAC's net, with tiny random weights, and its dictionary pass: no access out of bounds, and a sentence gets the
// same tags whatever stands beside it.
//
// The first byte chooses net and instruction set. Of the rest, a newline ends a sentence, as its length does, and any
// other byte is a character.
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "fastcut.cpp"
#include "net.cpp"

static std::vector<float> numbers(size_t count) {
    static std::mt19937 dice(1);
    std::vector<float> made(count);
    for (float& number : made) number = float(dice() % 2001) / 1000 - 1;
    return made;
}

static const int UNITS = 60;

struct Model {
    std::vector<std::vector<float>> kept;
    std::vector<std::unique_ptr<lac::Net>> nets;

    const float* make(size_t count) {
        kept.push_back(numbers(count));
        return kept.back().data();
    }

    Model(int width, int hidden, int tags) {
        lac::Weights w = {};
        w.units = UNITS, w.width = width, w.hidden = hidden, w.tags = tags;
        w.embedding = make(size_t(UNITS * width));
        for (int layer = 0; layer < 2; layer++)
            for (int way = 0; way < 2; way++) {
                w.input[layer][way] = make(size_t((layer ? 2 * hidden : width) * 3 * hidden));
                w.input_bias[layer][way] = make(size_t(3 * hidden));
                w.gates[layer][way] = make(size_t(2 * hidden * hidden));
                w.candidate[layer][way] = make(size_t(hidden * hidden));
                w.bias[layer][way] = make(size_t(3 * hidden));
            }
        w.emission = make(size_t(2 * hidden * tags)), w.emission_bias = make(size_t(tags));
        w.crf = make(size_t((tags + 2) * tags));
        for (int path = 0; path <= lac::best_path(); path++) nets.emplace_back(new lac::Net(w, lac::Path(path)));
    }
};

template <typename T>
struct Exact {  // memory of just this size
    T* data;
    explicit Exact(size_t count) : data(static_cast<T*>(std::malloc(count ? count * sizeof(T) : 1))) {}
    ~Exact() { std::free(data); }
};

static void run_net(const lac::Net& net, int most_tags, const std::vector<std::vector<int32_t>>& sentences) {
    size_t total = 0, at = 0;
    for (const auto& sentence : sentences) total += sentence.size();
    Exact<int32_t> units(total);
    Exact<int64_t> lengths(sentences.size());
    Exact<uint8_t> tags(total);
    for (size_t n = 0; n < sentences.size(); at += sentences[n++].size()) {
        lengths.data[n] = int64_t(sentences[n].size());
        std::copy(sentences[n].begin(), sentences[n].end(), units.data + at);
    }
    net.tag(units.data, lengths.data, sentences.size(), tags.data);
    for (size_t n = 0; n < total; n++) assert(tags.data[n] < most_tags);
    at = 0;
    for (size_t n = 0; n < sentences.size() && n < 3; at += sentences[n++].size()) {
        const int64_t length = int64_t(sentences[n].size());
        Exact<uint8_t> alone(sentences[n].size());
        net.tag(units.data + at, &length, 1, alone.data);
        assert(!std::memcmp(alone.data, tags.data + at, sentences[n].size()));
    }
}

static lac::Lexicon make_lexicon() {
    std::vector<uint64_t> keys;
    std::vector<int32_t> units, single(0x110000);
    std::vector<uint8_t> words;
    for (uint64_t a = 0; a < 24; a++)
        for (uint64_t b = 0; b < 24; b += 1 + a % 3) {
            keys.push_back(('0' + a + 1) | ('0' + b + 1) << 21 | (a % 4 ? 0 : uint64_t('0' + 2) << 42));
            units.push_back(int32_t(b % 5) - 1), words.push_back(uint8_t((a + b) % 3 != 0));
        }
    for (size_t n = 0; n < single.size(); n++) single[n] = int32_t(n % UNITS);
    lac::Lexicon lexicon(keys.data(), units.data(), words.data(), keys.size(), single.data(), single.size(), -17.0,
                         -16.3, -15.9);
    const uint32_t year[] = {'1', '1', '2', '3'};
    lexicon.add(year, 4, 7);
    return lexicon;
}

static void run_lexicon(const std::vector<std::vector<int32_t>>& sentences) {
    static const lac::Lexicon lexicon = make_lexicon();
    size_t total = 0, at = 0;
    for (const auto& sentence : sentences) total += sentence.size();
    Exact<uint32_t> codes(total);
    Exact<int64_t> lengths(sentences.size()), found(sentences.size());
    Exact<int32_t> units(total), widths(total);
    for (size_t n = 0; n < sentences.size(); n++) {
        lengths.data[n] = int64_t(sentences[n].size());
        for (int32_t byte : sentences[n]) codes.data[at++] = byte < 120 ? uint32_t(byte) : 0x10FFFF - uint32_t(byte);
    }
    const size_t count = lexicon.cut(codes.data, lengths.data, sentences.size(), units.data, widths.data, found.data);
    at = 0;
    for (size_t n = 0; n < sentences.size(); n++) {
        int64_t width = 0;
        for (int64_t k = 0; k < found.data[n]; k++, at++) width += widths.data[at], assert(units.data[at] >= 0);
        assert(width == lengths.data[n]);
    }
    assert(at == count);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Model small(8, 8, 4), large(16, 24, 23);
    if (!size) return 0;
    std::vector<std::vector<int32_t>> sentences(1), rows;
    for (size_t n = 1; n < size; n++)
        if (data[n] == '\n' || sentences.back().size() == 100) sentences.emplace_back();
        else sentences.back().push_back(data[n]);
    run_lexicon(sentences);
    for (auto& sentence : sentences)
        for (int32_t& unit : sentence) unit %= UNITS;
    const Model& model = data[0] & 1 ? large : small;
    run_net(*model.nets[size_t(data[0] >> 1) % model.nets.size()], data[0] & 1 ? 23 : 4, sentences);
    return 0;
}

#include "main.h"

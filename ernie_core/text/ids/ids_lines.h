/* Lines of JSON to ids. What is not plainly an object with one string "text" stops the reading, and Python says whether
   the line is one after all: only the rules that are met every day are worth having twice. */
#ifndef ERNIE_IDS_LINES_H
#define ERNIE_IDS_LINES_H

#include "ids_json.h"

#define DEEPEST 64

/* All of these return where to continue, or NULL where Python must decide. */
static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end) {
    while (p < end) {
        int length;
        if (*p == '"') return p + 1;
        if (*p == '\\') {
            if (read_escape(&p, end) < 0) return NULL;
            continue;
        }
        int32_t code = decode(p, end, &length);
        if (code < 0x20 || (code >= 0xD800 && code <= 0xDFFF)) return NULL;
        p += length;
    }
    return NULL;
}

static const uint8_t *skip_number(const uint8_t *p, const uint8_t *end) {
    const uint8_t *start;
    p += *p == '-';
    start = p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    if (p == start || (*start == '0' && p - start > 1) || p - start > 4000) return NULL;
    if (p < end && *p == '.') {
        start = ++p;
        while (p < end && *p >= '0' && *p <= '9') p++;
        if (p == start) return NULL;
    }
    if (p < end && (*p | 32) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        start = p;
        while (p < end && *p >= '0' && *p <= '9') p++;
        if (p == start) return NULL;
    }
    return p;
}

static const uint8_t *skip_word(const uint8_t *p, const uint8_t *end, const char *word) {
    int64_t size = (int64_t)strlen(word);
    return end - p >= size && !memcmp(p, word, (size_t)size) ? p + size : NULL;
}

static const uint8_t *skip_value(const uint8_t *p, const uint8_t *end, int depth) {
    if (p == end || depth > DEEPEST) return NULL;
    if (*p == '"') return skip_string(p + 1, end);
    if (*p == 't') return skip_word(p, end, "true");
    if (*p == 'f') return skip_word(p, end, "false");
    if (*p == 'n') return skip_word(p, end, "null");
    if (*p != '[' && *p != '{') return skip_number(p, end);
    int object = *p == '{';
    uint8_t close = object ? '}' : ']';
    p = skip_space(p + 1, end);
    if (p < end && *p == close) return p + 1;
    for (;;) {
        if (object) {
            if (p == end || *p != '"' || !(p = skip_string(p + 1, end))) return NULL;
            p = skip_space(p, end);
            if (p == end || *p != ':') return NULL;
            p = skip_space(p + 1, end);
        }
        if (!(p = skip_value(p, end, depth + 1))) return NULL;
        p = skip_space(p, end);
        if (p == end) return NULL;
        if (*p == close) return p + 1;
        if (*p != ',') return NULL;
        p = skip_space(p + 1, end);
    }
}

/* One line; whether it was plain. */
static int add_line(const Table *t, Batch *b, const uint8_t *p, const uint8_t *end) {
    int found = 0;
    p = skip_space(p, end);
    if (p == end || *p != '{') return 0;
    for (;;) {
        p = skip_space(p + 1, end);
        if (p == end || *p != '"') return 0;
        const uint8_t *key = p + 1;
        if (!(p = skip_string(key, end))) return 0;
        int wanted = p - key == 5 && !memcmp(key, "text", 4);
        /* An escape might spell the key too, and of two equal keys the later counts. */
        if (memchr(key, '\\', (size_t)(p - key)) || (wanted && found)) return 0;
        p = skip_space(p, end);
        if (p == end || *p != ':') return 0;
        p = skip_space(p + 1, end);
        if (wanted) {
            if (p == end || *p != '"' || !(p = add_string(t, b, p + 1, end))) return 0;
            found = 1;
        } else if (!(p = skip_value(p, end, 0))) {
            return 0;
        }
        p = skip_space(p, end);
        if (p == end) return 0;
        if (*p == '}') return found && skip_space(p + 1, end) == end;
        if (*p != ',') return 0;
    }
}

/* Encodes the documents of whole lines; the byte after `end` must be readable, and no space. Where it stopped: at
   `end`, at a line that Python is to judge, or, if b->failed, anywhere. */
static const uint8_t *read_lines(const Table *t, Batch *b, const uint8_t *p, const uint8_t *end) {
    while (p < end) {
        const uint8_t *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) stop = end;
        Counts before = b->count;
        if (!add_line(t, b, p, stop) || b->count.invalid != before.invalid || b->failed) {
            b->count = before;
            return p;
        }
        end_document(b, &before);
        p = stop < end ? stop + 1 : end;
    }
    return end;
}

#endif

/* The operations between the matrix products of a training step on a CPU, each way in one pass over memory.

   Every sum runs over LANES partial sums in a fixed order and no product is contracted into an addition, so that all
   x86 processors give the same bits, whatever vectors they have. Arrays are row-major floats. */

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Without these promises a comparison of floats is a branch, and a loop with a branch does not become vectors. */
#pragma GCC push_options
#pragma GCC optimize("no-trapping-math", "no-math-errno", "fp-contract=off")

#define LANES 16
#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#define KERNEL static __attribute__((target_clones("avx2", "default")))
#else
#define KERNEL static
#endif

/* Which elements a dropout lets through: a pure function of a key and the number of the element. */
typedef struct {
    uint32_t first, second, threshold;
    float scale;
} Chance;

INLINE Chance chance(uint64_t key, double rate) {
    Chance c = {(uint32_t)key, (uint32_t)(key >> 32), (uint32_t)(rate * 4294967296.0), (float)(1.0 / (1.0 - rate))};
    return c;
}

/* The rounds are those of a 32-bit mixing function without a bias that can be measured; half of the key comes between
   them, for otherwise two keys would give two windows of one sequence. */
INLINE float kept(Chance c, uint32_t element) {
    uint32_t x = element * 0x9e3779b1u + c.first;
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x = (x + c.second) * 0x846ca68bu;
    x ^= x >> 16;
    return x >= c.threshold ? c.scale : 0.0f;
}

/* e^x to a unit in the last place for -60 <= x <= 0; 0 below, which no sum beside 1 can tell from it: what is left of
   masked scores would otherwise become denormal numbers, which cost a hundred times as much. */
INLINE float power_of_e(float below) {
    float x = below < -60.0f ? -60.0f : below;
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
    float rounded = x * 1.44269504088896341f + magic;
    float n = rounded - magic;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * (r * r) + (r + 1.0f);
    int32_t bits;
    memcpy(&bits, &rounded, 4);
    bits = (bits - 0x4b400000 + 127) << 23; /* 0x4b400000 is the magic number */
    float scale;
    memcpy(&scale, &bits, 4);
    return below < -60.0f ? 0.0f : y * scale;
}

INLINE float total(const float *lanes) {
    float sum = 0.0f;
    for (int j = 0; j < LANES; j++) sum += lanes[j];
    return sum;
}

/* Run `BODY` for every i of a row, lane j of LANES; the sums of a lane meet the elements in the order of i. */
#define ALONG(width, BODY)                                                                   \
    {                                                                                        \
        int64_t at = 0;                                                                      \
        for (; at + LANES <= (width); at += LANES)                                           \
            for (int j = 0; j < LANES; j++) { const int64_t i = at + j; BODY }               \
        for (int j = 0; at + j < (width); j++) { const int64_t i = at + j; BODY }            \
    }

/* out = gain * unit + shift, where unit is residual + dropout(x + bias) normalised; unit and the inverse deviations
   are kept for the way back. */
KERNEL void norm_forward(const float *x, const float *bias, const float *residual, const float *gain,
                         const float *shift, float *restrict out, float *restrict unit, float *restrict inverse,
                         int64_t rows, int64_t width, float epsilon, double rate, uint64_t key) {
    const Chance c = chance(key, rate);
    for (int64_t row = 0; row < rows; row++, x += width, residual += width, out += width, unit += width) {
        const uint32_t element = (uint32_t)(row * width);
        float sums[LANES] = {0}, squares[LANES] = {0};
        if (rate > 0) ALONG(width, unit[i] = residual[i] + (x[i] + bias[i]) * kept(c, element + (uint32_t)i);)
        else ALONG(width, unit[i] = residual[i] + (x[i] + bias[i]);)
        ALONG(width, sums[j] += unit[i];)
        const float mean = total(sums) / (float)width;
        ALONG(width, unit[i] -= mean; squares[j] += unit[i] * unit[i];)
        const float scale = 1.0f / sqrtf(total(squares) / (float)width + epsilon);
        ALONG(width, unit[i] *= scale; out[i] = unit[i] * gain[i] + shift[i];)
        inverse[row] = scale;
    }
}

/* The gradients of the residual, of x, and (added up over the rows) of bias, gain and shift. */
KERNEL void norm_backward(const float *d_out, const float *unit, const float *inverse, const float *gain,
                          float *restrict d_residual, float *restrict d_x, float *restrict d_bias,
                          float *restrict d_gain, float *restrict d_shift, int64_t rows, int64_t width, double rate,
                          uint64_t key) {
    const Chance c = chance(key, rate);
    for (int64_t row = 0; row < rows; row++, d_out += width, unit += width, d_residual += width, d_x += width) {
        const uint32_t element = (uint32_t)(row * width);
        float sums[LANES] = {0}, products[LANES] = {0};
        ALONG(width, const float g = d_out[i] * gain[i]; sums[j] += g; products[j] += g * unit[i];)
        const float mean = total(sums) / (float)width, slope = total(products) / (float)width;
        const float scale = inverse[row];
        ALONG(width, d_residual[i] = scale * (d_out[i] * gain[i] - mean - unit[i] * slope);)
        ALONG(width, d_gain[i] += d_out[i] * unit[i]; d_shift[i] += d_out[i];)
        if (rate > 0) ALONG(width, d_x[i] = d_residual[i] * kept(c, element + (uint32_t)i); d_bias[i] += d_x[i];)
        else ALONG(width, d_x[i] = d_residual[i]; d_bias[i] += d_x[i];)
    }
}

/* The normal distribution from -infinity to x, off by at most 1e-8; `density` becomes e^(-x^2/2). */
INLINE float below(float x, float *density) {
    const float z = fabsf(x), t = 1.0f / (1.0f + 0.28f * z);
    float y = -0.10580818355083466f;
    y = y * t + 0.3898738622665405f;
    y = y * t - 0.23699341714382172f;
    y = y * t + 0.2689102590084076f;
    y = y * t + 0.067496657371521f;
    y = y * t + 0.11652080714702606f;
    *density = power_of_e(-0.5f * x * x);
    y = y * t * *density;
    return x > 0.0f ? 1.0f - y : y;
}

KERNEL void gelu_forward(const float *x, const float *bias, float *restrict out, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; row++, x += width, out += width)
        ALONG(width, float density; const float z = x[i] + bias[i]; out[i] = z * below(z, &density);)
}

KERNEL void gelu_backward(const float *d_out, const float *x, const float *bias, float *restrict d_x,
                          float *restrict d_bias, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; row++, x += width, d_out += width, d_x += width)
        ALONG(width, float density; const float z = x[i] + bias[i]; const float share = below(z, &density);
              d_x[i] = d_out[i] * (share + z * density * 0.3989422804014327f); d_bias[i] += d_x[i];)
}

KERNEL void relu_forward(const float *x, const float *bias, float *restrict out, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; row++, x += width, out += width)
        ALONG(width, const float z = x[i] + bias[i]; out[i] = z > 0.0f ? z : 0.0f;)
}

KERNEL void relu_backward(const float *d_out, const float *x, const float *bias, float *restrict d_x,
                          float *restrict d_bias, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; row++, x += width, d_out += width, d_x += width)
        /* a product, for a load under a condition is what gcc 12 vectorises wrongly here */
        ALONG(width, d_x[i] = d_out[i] * (x[i] + bias[i] > 0.0f ? 1.0f : 0.0f); d_bias[i] += d_x[i];)
}

/* `scores` become softmax(scores + term), `out` what a dropout leaves of it. Each row of `term` serves `share` rows. */
KERNEL void softmax_forward(float *restrict scores, const float *term, float *restrict out, int64_t rows,
                            int64_t width, int64_t share, double rate, uint64_t key) {
    const Chance c = chance(key, rate);
    for (int64_t row = 0; row < rows; row++, scores += width, out += width) {
        const uint32_t element = (uint32_t)(row * width);
        const float *added = term + row / share * width;
        float most[LANES], sums[LANES] = {0};
        for (int j = 0; j < LANES; j++) most[j] = -INFINITY;
        ALONG(width, scores[i] += added[i]; most[j] = scores[i] > most[j] ? scores[i] : most[j];)
        float top = most[0];
        for (int j = 1; j < LANES; j++) top = most[j] > top ? most[j] : top;
        ALONG(width, scores[i] = power_of_e(scores[i] - top); sums[j] += scores[i];)
        const float scale = 1.0f / total(sums);
        if (rate > 0) ALONG(width, scores[i] *= scale; out[i] = scores[i] * kept(c, element + (uint32_t)i);)
        else ALONG(width, scores[i] *= scale; out[i] = scores[i];)
    }
}

KERNEL void softmax_backward(const float *d_out, const float *weights, float *restrict d_scores, int64_t rows,
                             int64_t width, double rate, uint64_t key) {
    const Chance c = chance(key, rate);
    for (int64_t row = 0; row < rows; row++, d_out += width, weights += width, d_scores += width) {
        const uint32_t element = (uint32_t)(row * width);
        float products[LANES] = {0};
        if (rate > 0) ALONG(width, d_scores[i] = d_out[i] * kept(c, element + (uint32_t)i);)
        else ALONG(width, d_scores[i] = d_out[i];)
        ALONG(width, products[j] += d_scores[i] * weights[i];)
        const float mean = total(products);
        ALONG(width, d_scores[i] = weights[i] * (d_scores[i] - mean);)
    }
}

/* [rows of a batch][heads][width] + bias, scaled -> [heads][rows][width], for each of `batches`. */
KERNEL void split_forward(const float *x, const float *bias, float *restrict out, int64_t batches, int64_t rows,
                          int64_t heads, int64_t width, float scale) {
    for (int64_t b = 0; b < batches; b++)
        for (int64_t h = 0; h < heads; h++)
            for (int64_t r = 0; r < rows; r++, out += width) {
                const float *from = x + ((b * rows + r) * heads + h) * width, *added = bias + h * width;
                for (int64_t i = 0; i < width; i++) out[i] = (from[i] + added[i]) * scale;
            }
}

KERNEL void split_backward(const float *d_out, float *restrict d_x, float *restrict d_bias, int64_t batches,
                           int64_t rows, int64_t heads, int64_t width, float scale) {
    for (int64_t b = 0; b < batches; b++)
        for (int64_t h = 0; h < heads; h++)
            for (int64_t r = 0; r < rows; r++, d_out += width) {
                float *to = d_x + ((b * rows + r) * heads + h) * width, *sum = d_bias + h * width;
                for (int64_t i = 0; i < width; i++) {
                    to[i] = d_out[i] * scale;
                    sum[i] += to[i];
                }
            }
}

KERNEL void drop(const float *x, float *restrict out, int64_t count, double rate, uint64_t key) {
    const Chance c = chance(key, rate);
    ALONG(count, out[i] = x[i] * kept(c, (uint32_t)i);)
}

#pragma GCC pop_options

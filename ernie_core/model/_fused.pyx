"""Bindings of fused.h: addresses of arrays come as whole numbers, checked by fused.py."""

from libc.stdint cimport int64_t, uint64_t, uintptr_t

cdef extern from "fused.h" nogil:
    void _norm_forward "norm_forward"(
        const float *x, const float *bias, const float *residual, const float *gain, const float *shift, float *out,
        float *unit, float *inverse, int64_t rows, int64_t width, float epsilon, double rate, uint64_t key)
    void _norm_backward "norm_backward"(
        const float *d_out, const float *unit, const float *inverse, const float *gain, float *d_residual, float *d_x,
        float *d_bias, float *d_gain, float *d_shift, int64_t rows, int64_t width, double rate, uint64_t key)
    void _gelu_forward "gelu_forward"(const float *x, const float *bias, float *out, int64_t rows, int64_t width)
    void _gelu_backward "gelu_backward"(
        const float *d_out, const float *x, const float *bias, float *d_x, float *d_bias, int64_t rows, int64_t width)
    void _relu_forward "relu_forward"(const float *x, const float *bias, float *out, int64_t rows, int64_t width)
    void _relu_backward "relu_backward"(
        const float *d_out, const float *x, const float *bias, float *d_x, float *d_bias, int64_t rows, int64_t width)
    void _softmax_forward "softmax_forward"(
        float *scores, const float *term, float *out, int64_t rows, int64_t width, int64_t share, double rate,
        uint64_t key)
    void _softmax_backward "softmax_backward"(
        const float *d_out, const float *weights, float *d_scores, int64_t rows, int64_t width, double rate,
        uint64_t key)
    void _split_forward "split_forward"(
        const float *x, const float *bias, float *out, int64_t batches, int64_t rows, int64_t heads, int64_t width,
        float scale)
    void _split_backward "split_backward"(
        const float *d_out, float *d_x, float *d_bias, int64_t batches, int64_t rows, int64_t heads, int64_t width,
        float scale)
    void _drop "drop"(const float *x, float *out, int64_t count, double rate, uint64_t key)


def norm_forward(uintptr_t x, uintptr_t bias, uintptr_t residual, uintptr_t gain, uintptr_t shift, uintptr_t out,
                 uintptr_t unit, uintptr_t inverse, int64_t rows, int64_t width, float epsilon, double rate,
                 uint64_t key):
    with nogil:
        _norm_forward(<float *> x, <float *> bias, <float *> residual, <float *> gain, <float *> shift, <float *> out,
                      <float *> unit, <float *> inverse, rows, width, epsilon, rate, key)


def norm_backward(uintptr_t d_out, uintptr_t unit, uintptr_t inverse, uintptr_t gain, uintptr_t d_residual,
                  uintptr_t d_x, uintptr_t d_bias, uintptr_t d_gain, uintptr_t d_shift, int64_t rows, int64_t width,
                  double rate, uint64_t key):
    with nogil:
        _norm_backward(<float *> d_out, <float *> unit, <float *> inverse, <float *> gain, <float *> d_residual,
                       <float *> d_x, <float *> d_bias, <float *> d_gain, <float *> d_shift, rows, width, rate, key)


def gelu_forward(uintptr_t x, uintptr_t bias, uintptr_t out, int64_t rows, int64_t width):
    with nogil:
        _gelu_forward(<float *> x, <float *> bias, <float *> out, rows, width)


def gelu_backward(uintptr_t d_out, uintptr_t x, uintptr_t bias, uintptr_t d_x, uintptr_t d_bias, int64_t rows,
                  int64_t width):
    with nogil:
        _gelu_backward(<float *> d_out, <float *> x, <float *> bias, <float *> d_x, <float *> d_bias, rows, width)


def relu_forward(uintptr_t x, uintptr_t bias, uintptr_t out, int64_t rows, int64_t width):
    with nogil:
        _relu_forward(<float *> x, <float *> bias, <float *> out, rows, width)


def relu_backward(uintptr_t d_out, uintptr_t x, uintptr_t bias, uintptr_t d_x, uintptr_t d_bias, int64_t rows,
                  int64_t width):
    with nogil:
        _relu_backward(<float *> d_out, <float *> x, <float *> bias, <float *> d_x, <float *> d_bias, rows, width)


def softmax_forward(uintptr_t scores, uintptr_t term, uintptr_t out, int64_t rows, int64_t width, int64_t share,
                    double rate, uint64_t key):
    with nogil:
        _softmax_forward(<float *> scores, <float *> term, <float *> out, rows, width, share, rate, key)


def softmax_backward(uintptr_t d_out, uintptr_t weights, uintptr_t d_scores, int64_t rows, int64_t width,
                     double rate, uint64_t key):
    with nogil:
        _softmax_backward(<float *> d_out, <float *> weights, <float *> d_scores, rows, width, rate, key)


def split_forward(uintptr_t x, uintptr_t bias, uintptr_t out, int64_t batches, int64_t rows, int64_t heads,
                  int64_t width, float scale):
    with nogil:
        _split_forward(<float *> x, <float *> bias, <float *> out, batches, rows, heads, width, scale)


def split_backward(uintptr_t d_out, uintptr_t d_x, uintptr_t d_bias, int64_t batches, int64_t rows, int64_t heads,
                   int64_t width, float scale):
    with nogil:
        _split_backward(<float *> d_out, <float *> d_x, <float *> d_bias, batches, rows, heads, width, scale)


def drop(uintptr_t x, uintptr_t out, int64_t count, double rate, uint64_t key):
    with nogil:
        _drop(<float *> x, <float *> out, count, rate, key)

"""Bindings of host.h: addresses of arrays come as whole numbers, checked by those who call."""

from libc.stdint cimport int64_t, uintptr_t

cdef extern from "host.h" nogil:
    ctypedef struct Update:
        float factor, decay, rate, epsilon, beta1, rest1, beta2, rest2
    void adamw_update(float *weights, const float *gradients, float *moment1, float *moment2, int64_t size,
                      const Update *said)
    int _meet "meet"(int64_t *counters, int64_t rank, int64_t world, int64_t turn, double seconds)


def update(uintptr_t weights, uintptr_t gradients, uintptr_t moment1, uintptr_t moment2, int64_t size,
           float factor, float decay, float rate, float epsilon, float beta1, float rest1, float beta2, float rest2):
    cdef Update said = Update(factor, decay, rate, epsilon, beta1, rest1, beta2, rest2)
    with nogil:
        adamw_update(<float *> weights, <float *> gradients, <float *> moment1, <float *> moment2, size, &said)


def meet(uintptr_t counters, int64_t rank, int64_t world, int64_t turn, double seconds):
    cdef int all_here
    with nogil:
        all_here = _meet(<int64_t *> counters, rank, world, turn, seconds)
    return all_here != 0

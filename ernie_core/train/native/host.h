/* The update of AdamW in one pass over memory, and how processes of one machine wait for each other.

   Every number depends on the numbers at its own place alone and no product is contracted into an addition: the result
   is the same to the bit however an array is divided, and whatever vectors a processor has. */

#include <math.h>
#include <stdint.h>
#include <time.h>

#pragma GCC push_options
#pragma GCC optimize("no-trapping-math", "no-math-errno", "fp-contract=off")

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#define KERNEL static __attribute__((target_clones("avx2", "default")))
#define BREATHE __builtin_ia32_pause()
#else
#define KERNEL static
#define BREATHE ((void)0)
#endif

typedef struct {
    float factor;  /* of the gradients */
    float decay;   /* what is left of a weight before the step */
    float rate;    /* of the step, corrected for the youth of the moments */
    float epsilon; /* corrected alike */
    float beta1, rest1, beta2, rest2;
} Update;

KERNEL void adamw_update(float *restrict weights, const float *restrict gradients, float *restrict moment1,
                         float *restrict moment2, int64_t size, const Update *said) {
    const Update u = *said;
    for (int64_t i = 0; i < size; i++) {
        const float g = gradients[i] * u.factor;
        const float first = u.beta1 * moment1[i] + u.rest1 * g;
        const float second = u.beta2 * moment2[i] + u.rest2 * (g * g);
        moment1[i] = first;
        moment2[i] = second;
        weights[i] = weights[i] * u.decay - u.rate * (first / (sqrtf(second) + u.epsilon));
    }
}

#pragma GCC pop_options

#define APART 8 /* counters have a cache line each */
#define SPINS 2000
#define NAP 20000 /* nanoseconds */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Say that this rank has come to a turn, and wait for the others: whether they have all come within so many seconds.
   What a rank wrote before it came is seen by those who found it there. */
static int meet(int64_t *counters, int64_t rank, int64_t world, int64_t turn, double seconds) {
    __atomic_store_n(counters + rank * APART, turn, __ATOMIC_RELEASE);
    const double until = now() + seconds;
    int64_t other = 0;
    for (int64_t spins = 0; other < world;) {
        if (__atomic_load_n(counters + other * APART, __ATOMIC_ACQUIRE) >= turn) {
            other++;
        } else if (++spins < SPINS) {
            BREATHE;
        } else if (now() > until) {
            return 0;
        } else {
            const struct timespec nap = {0, NAP};
            nanosleep(&nap, 0);
        }
    }
    return 1;
}

"""The index map: which sentences make a sample, and in which order; built in C, or slowly but equally in Python."""

import importlib
import math
import warnings
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import numpy as np

from ernie_core.errors import BadInput

LONGEST = 512
"""A document of several sentences with one of more tokens than this is left out, as the native reference does."""

ALL_EPOCHS = 2**31 - 2
ALL_SAMPLES = 2**63 - 2


def build(
    docs: np.ndarray,
    lens: np.ndarray,
    *,
    max_len: int,
    short_seq_prob: float,
    seed: int,
    min_num_sent: int,
    num_epochs: int = ALL_EPOCHS,
    max_num_samples: int = ALL_SAMPLES,
) -> np.ndarray:
    """Rows [n, 3] of (first sentence, last sentence + 1, target length), shuffled over all epochs together.

    `docs` is the slice of document boundaries of one split (n + 1 sentence numbers), `lens` the lengths of all
    sentences. Whole passes are made until there are `max_num_samples` rows. uint32, or uint64 if sentence numbers
    need it. No rows if no document is fit for a sample.
    """
    wide = _check(docs, lens, max_len, seed)
    native = _native()
    if native is None:
        walked = _walk(docs, lens, num_epochs, max_num_samples, max_len, ratio(short_seq_prob), seed, min_num_sent)
        return _shuffled(np.array(walked, "uint64" if wide else "uint32").reshape(-1, 3), seed)
    docs, lens = np.ascontiguousarray(docs), np.ascontiguousarray(lens)
    data = (docs.ctypes.data, lens.ctypes.data, len(docs) - 1)
    setting = (*data, num_epochs, max_num_samples, max_len, ratio(short_seq_prob), seed, min_num_sent, LONGEST)
    rows = np.empty((native.count(*setting), 3), "uint64" if wide else "uint32")
    native.fill(*setting, rows.ctypes.data, wide, len(rows))
    return rows


def ratio(short_seq_prob: float) -> int:
    """One target in how many is drawn short; 0 for none."""
    return 0 if short_seq_prob == 0 else math.floor(1 / short_seq_prob + 0.5)


def blend(weights: np.ndarray, taken: np.ndarray, first: int, chosen: np.ndarray, numbers: np.ndarray) -> None:
    """For the samples from `first` on: which corpus, and its how-many-eth sample; `taken` is carried along.

    Always the corpus that lags most behind its share. `weights` are float64 and sum to 1, `taken` and `numbers`
    int64, `chosen` uint8.
    """
    native = _native()
    if native is not None:
        native.blend(
            weights.ctypes.data, taken.ctypes.data, len(weights), first, len(chosen), chosen.ctypes.data,
            numbers.ctypes.data,
        )  # fmt: skip
        return
    for i in range(len(chosen)):
        best = int(np.argmax(weights * max(first + i, 1) - taken))
        chosen[i], numbers[i] = best, taken[best]
        taken[best] += 1


@cache
def _native() -> ModuleType | None:
    try:
        return importlib.import_module("ernie_core.data._index")
    except ImportError:
        warnings.warn(
            "the compiled index builder is missing, index maps are built in Python: same result, about 20 times"
            " slower; `python setup.py build_ext --inplace` compiles it",
            stacklevel=3,
        )
        return None


def _check(docs: np.ndarray, lens: np.ndarray, max_len: int, seed: int) -> bool:
    # The C code gets bare addresses, so nothing may be off here.
    if docs.dtype != np.int64 or lens.dtype != np.int32 or docs.ndim != 1 or lens.ndim != 1 or not len(docs):
        raise BadInput(f"docs must be int64 and lens int32, not {docs.dtype} and {lens.dtype}")
    if docs[0] < 0 or docs[-1] > len(lens) or (np.diff(docs) < 0).any():
        raise BadInput(f"documents reach beyond the {len(lens)} sentences")
    if max_len < 2 or not 0 <= seed < 2**32:
        raise BadInput(f"max_len {max_len} must be at least 2 and seed {seed} in 0..2^32-1")
    return len(lens) > 2**32 - 1


def _walk(
    docs: np.ndarray, lens: np.ndarray, num_epochs: int, max_num_samples: int, max_len: int, one_in: int, seed: int,
    min_num_sent: int,
) -> list[tuple[int, int, int]]:  # fmt: skip
    words = _words32(seed)

    def target() -> int:
        if one_in == 0:
            return max_len
        r = next(words)
        return 2 + r % (max_len - 1) if r % one_in == 0 else max_len

    rows: list[tuple[int, int, int]] = []
    sizes = lens.tolist()
    for epoch in range(num_epochs):
        if len(rows) >= max_num_samples or (epoch > 0 and not rows):
            break
        for a, b in zip(docs[:-1].tolist(), docs[1:].tolist(), strict=True):
            remaining = b - a
            if remaining < min_num_sent or (remaining > 1 and max(sizes[a:b]) > LONGEST):
                continue
            start, length, number, goal = a, 0, 0, target()
            for s in range(a, b):
                length, number, remaining = length + sizes[s], number + 1, remaining - 1
                if (length >= goal and remaining > 1 and number >= min_num_sent) or remaining == 0:
                    rows.append((start, s + 1, goal))
                    start, length, number, goal = s + 1, 0, 0, target()
    return rows


def _shuffled(rows: np.ndarray, seed: int) -> np.ndarray:
    words = _words64(seed + 1)
    order = list(range(len(rows)))
    for i in range(len(order) - 1, 0, -1):
        j = next(words) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return rows[order]


def _words32(seed: int) -> Iterator[int]:
    """The words of the 32-bit Mersenne Twister: numpy's, seeded in its old way."""
    generator = np.random.RandomState(seed)._bit_generator  # type: ignore[attr-defined]
    while True:
        yield from generator.random_raw(1024).tolist()


def _words64(seed: int) -> Iterator[int]:
    """The words of the 64-bit Mersenne Twister, which numpy does not have."""
    full = 2**64 - 1
    state = [seed & full]
    for i in range(1, 312):
        state.append((6364136223846793005 * (state[-1] ^ (state[-1] >> 62)) + i) & full)
    while True:
        for i in range(312):
            y = (state[i] & 0xFFFFFFFF80000000) | (state[(i + 1) % 312] & 0x7FFFFFFF)
            state[i] = state[(i + 156) % 312] ^ (y >> 1) ^ (0xB5026F5AA96619E9 if y & 1 else 0)
        for y in state:
            y ^= (y >> 29) & 0x5555555555555555
            y ^= (y << 17) & 0x71D67FFFEDA60000
            y ^= (y << 37) & 0xFFF7EEE000000000
            yield y ^ (y >> 43)

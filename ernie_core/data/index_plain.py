"""The index map and the mixing of corpora in plain Python: the reference of the C code, and its fallback."""

from collections.abc import Iterator

import numpy as np

from ernie_core.errors import BadInput


class Walk:
    """Passes over documents that pause when the buffer for rows is full."""

    def __init__(
        self, docs: np.ndarray, lens: np.ndarray, max_len: int, ratio: int, seed: int, fewest: int, longest: int
    ) -> None:
        self.docs, self.lens, self.document = docs, lens, 0
        self._max_len, self._ratio, self._fewest, self._longest = max_len, ratio, fewest, longest
        self._words = _words32(seed)

    def again(self) -> None:
        """Restart at the first document; the random generator continues."""
        self.document = 0

    def rows(self, room: int) -> list[tuple[int, int, int]]:
        """The rows of the next documents, at most `room`."""
        rows: list[tuple[int, int, int]] = []
        while self.document < len(self.docs) - 1:
            a, b = int(self.docs[self.document]), int(self.docs[self.document + 1])
            if b < a:
                raise BadInput(f"documents reach backwards at document {self.document}; make the ids again")
            if b - a > room - len(rows):
                break
            self.document += 1
            sizes = self.lens[a:b].tolist()
            if len(sizes) >= max(1, self._fewest) and not (len(sizes) > 1 and max(sizes) > self._longest):
                rows += self._cut(a, sizes)
        return rows

    def _cut(self, first: int, sizes: list[int]) -> Iterator[tuple[int, int, int]]:
        start, length, number, goal, remaining = first, 0, 0, self._target(), len(sizes)
        for s, size in enumerate(sizes, first):
            length, number, remaining = length + size, number + 1, remaining - 1
            if (length >= goal and remaining > 1 and number >= self._fewest) or remaining == 0:
                yield start, s + 1, goal
                start, length, number, goal = s + 1, 0, 0, self._target()

    def _target(self) -> int:
        if self._ratio == 0:
            return self._max_len
        r = next(self._words)
        return 2 + r % (self._max_len - 1) if r % self._ratio == 0 else self._max_len


def shuffle(rows: np.ndarray, seed: int) -> None:
    """Shuffle rows in place; the draws are those of the 64-bit Mersenne Twister."""
    words = _words64(seed)
    order = list(range(len(rows)))
    for i in range(len(order) - 1, 0, -1):
        j = next(words) % (i + 1)
        order[i], order[j] = order[j], order[i]
    rows[:] = rows[order]


def blend(weights: np.ndarray, taken: np.ndarray, first: int, chosen: np.ndarray, numbers: np.ndarray) -> None:
    """Choose a corpus for each of the samples from `first` on; `taken` is the state before and after."""
    for i in range(len(chosen)):
        best = int(np.argmax(weights * max(first + i, 1) - taken))
        chosen[i], numbers[i] = best, taken[best]
        taken[best] += 1


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

"""Questions as rows of token ids, and batches of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import Any, Protocol, TypeVar

import numpy as np

from ernie_core.tasks import batches
from ernie_core.tasks.ragged import Ragged

Rows = list[list[int]] | Ragged
PART = 1 << 14
"""Questions that are encoded at once."""

A = TypeVar("A", list[Any], np.ndarray)
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Features:
    """Questions as rows of token ids without padding, one row each unless a task has several."""

    input_ids: Rows
    token_type_ids: Rows

    @cached_property
    def lengths(self) -> np.ndarray:
        """Number of tokens of every row, int64 [N]."""
        if isinstance(self.input_ids, Ragged):
            return self.input_ids.lengths
        return np.fromiter((len(row) for row in self.input_ids), np.int64, len(self.input_ids))

    @property
    def flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Number of tokens of each row of the net [R], and the ids and the types of all rows, one after the other;
        int32, or types in int8."""
        if isinstance(self.input_ids, Ragged) and isinstance(self.token_type_ids, Ragged):
            return self.input_ids.lengths.astype(np.int32), self.input_ids.flat, self.token_type_ids.flat
        rows: Any = self.input_ids
        sides = [rows, self.token_type_ids]
        while rows and rows[0] and isinstance(rows[0][0], list):  # a sample has several rows
            sides = [list(chain.from_iterable(side)) for side in sides]
            rows = sides[0]
        lengths = np.fromiter(map(len, rows), np.int32, len(rows))
        ids, types = (np.fromiter(chain.from_iterable(side), np.int32, int(lengths.sum())) for side in sides)
        return lengths, ids, types

    def part(self, rows: np.ndarray) -> "Features":
        """Some rows alone, in that order; of questions that are one row each."""
        return Features([list(self.input_ids[i]) for i in rows], [list(self.token_type_ids[i]) for i in rows])

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it but the questions, by names; `restored` makes it of both again."""
        counts, ids, types = self.flat
        return {"counts": counts, "ids": ids, "types": types.astype(np.int8)}

    @classmethod
    def restored(cls, questions: Sequence[Any], arrays: Arrays) -> "Features":
        """The rows of these questions from what `arrays` gave for them."""
        counts = arrays["counts"]
        return cls(Ragged.of(arrays["ids"], counts), Ragged.of(arrays["types"], counts))

    def padded(self, rows: np.ndarray, pad_id: int) -> dict[str, np.ndarray]:
        """`input_ids` and `token_type_ids` of some rows, int64 [n, longest of them]."""
        return {
            "input_ids": batches.pad([self.input_ids[i] for i in rows], pad_id),
            "token_type_ids": batches.pad([self.token_type_ids[i] for i in rows], 0),
        }


class TextEncoder(Protocol):
    """The methods of a tokenizer that are needed here."""

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]: ...

    def frame(self, a: list[int], b: list[int] | None, max_seq_len: int) -> tuple[list[int], list[int]]: ...


def ids_and_types(arrays: Arrays) -> tuple[list[list[int]], list[list[int]]]:
    """`input_ids` and `token_type_ids` of `Features.arrays`."""
    ids, types = (cut(arrays[name].tolist(), arrays["counts"]) for name in ("ids", "types"))
    return ids, types


def cut(values: A, counts: np.ndarray) -> list[A]:
    """A list or an array in parts of so many elements each, one behind the other."""
    bounds = [0, *np.cumsum(counts, dtype=np.int64).tolist()]
    return [values[a:b] for a, b in pairwise(bounds)]


def sizes(parts: Sequence[Any]) -> np.ndarray:
    """The number of elements of each part, int32: `cut` undoes a concatenation by it."""
    return np.fromiter(map(len, parts), np.int32, len(parts))


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of integers, one behind the other, int32 [all elements]."""
    return np.concatenate([np.zeros(0, np.int32), *parts]).astype(np.int32)


def encode(questions: Sequence[str | tuple[str, str]], tokenizer: TextEncoder, max_seq_len: int) -> Features:
    """Texts and pairs of texts, each with special tokens and truncated to `max_seq_len`.

    Many are encoded part by part, so that `questions` may be a sequence that reads them from a file.
    """
    input_ids, token_type_ids = Ragged(), Ragged(np.int8)
    for start in range(0, len(questions), PART):
        pairs = [(one, None) if isinstance(one, str) else one for one in questions[start : start + PART]]
        encoded = iter(tokenizer.encode_all([text for pair in pairs for text in pair if text is not None]))
        for _, second in pairs:
            ids, types = tokenizer.frame(next(encoded), None if second is None else next(encoded), max_seq_len)
            input_ids.append(ids)
            token_type_ids.append(types)
    return Features(input_ids, token_type_ids)

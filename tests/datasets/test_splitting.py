"""Dev and test are cut so that equal and related rows stay together, whatever order they come in."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ernie_core.datasets import splitting

ROWS = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f"]), st.sampled_from([b"", b"1", b"2", b"3"]))
)


def linked(rows: list[tuple[bytes, bytes]]) -> list[set[int]]:
    """The rows that are linked to each row, by trying all pairs until nothing changes."""
    found = [{i} for i in range(len(rows))]
    for _ in rows:
        for i, (question, group) in enumerate(rows):
            for j, (other, its) in enumerate(rows):
                if question == other or (group and group == its):
                    found[i] |= found[j]
    return found


@given(ROWS)
def test_linked_rows_are_in_one_split(rows: list[tuple[bytes, bytes]]) -> None:
    splits = splitting.cut(rows, 0.3, 0.3)
    for i, others in enumerate(linked(rows)):
        assert {splits[j] for j in others} == {splits[i]}


@given(ROWS, st.randoms())
def test_the_order_of_rows_changes_nothing(rows: list[tuple[bytes, bytes]], chance: random.Random) -> None:
    expected = dict(zip(rows, splitting.cut(rows, 0.3, 0.3), strict=True))
    mixed = chance.sample(rows, len(rows))
    assert dict(zip(mixed, splitting.cut(mixed, 0.3, 0.3), strict=True)) == expected


def test_the_shares_are_those_asked_for() -> None:
    splits = splitting.cut([(str(i).encode(), b"") for i in range(20_000)], 0.1, 0.05)
    assert abs(splits.count("dev") - 2000) < 200
    assert abs(splits.count("test") - 1000) < 150


def test_more_rows_move_none_that_is_there() -> None:
    rows = [(str(i).encode(), b"") for i in range(1000)]
    assert splitting.cut(rows, 0.1, 0.1)[:500] == splitting.cut(rows[:500], 0.1, 0.1)


def test_a_larger_share_keeps_what_a_smaller_one_had() -> None:
    rows = [(str(i).encode(), b"") for i in range(1000)]
    small, large = splitting.cut(rows, 0.1, 0), splitting.cut(rows, 0.2, 0)
    assert all(b == "dev" for a, b in zip(small, large, strict=True) if a == "dev")


def test_a_sample_keeps_the_order_and_does_not_depend_on_it() -> None:
    rows = [str(i).encode() for i in range(100)]
    chosen = splitting.sample(rows, 10)
    assert chosen == sorted(chosen) and len(chosen) == 10
    backwards = rows[::-1]
    assert {backwards[i] for i in splitting.sample(backwards, 10)} == {rows[i] for i in chosen}
    assert splitting.sample(rows, 1000) == list(range(100))

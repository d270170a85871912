"""Questions in parts: each as soon as it is full, and those that are answered together in one."""

import itertools
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ernie_core.serve import asked
from ernie_core.tasks.multiple_choice import MultipleChoice

CLOZE = MultipleChoice(16, cloze=True)
groups = st.lists(st.sampled_from(["", "", "a", "b", "c"]), max_size=30)


def question(group: str) -> tuple[str, str, tuple[str, ...], str]:
    return ("天#idiom1#", "#idiom1#", ("我", "你"), group)


def test_blanks_of_a_row_stay_together_whatever_the_batch() -> None:
    questions = [(place, question(group)) for place, group in enumerate("aaabbc")]
    found = [[place for place, _ in part] for part in asked.parts(CLOZE, questions, 2)]
    assert found == [[0, 1, 2], [3, 4], [5]]


@given(groups, st.integers(1, 5))
def test_all_come_in_their_order_and_a_part_exceeds_its_size_by_a_group_only(names: list[str], size: int) -> None:
    found = list(asked.parts(CLOZE, enumerate(map(question, names)), size))
    assert [place for part in found for place, _ in part] == list(range(len(names)))
    for part, behind in itertools.pairwise([*found, []]):
        inside = [one[3] for _, one in part]
        assert not behind or not inside[-1] or inside[-1] != behind[0][1][3]
        assert len(part) == size or not behind or (len(set(inside[size - 1 :])) == 1 and inside[-1])


def test_a_full_part_does_not_wait_for_the_next_question() -> None:
    def endless() -> Iterator[tuple[int, Any]]:
        yield 0, question("")
        raise AssertionError("asked for more than it needs")

    assert next(asked.parts(CLOZE, endless(), 1)) == [(0, question(""))]

"""What successive halving decides: by the curves up to a step, whatever came after it and in whichever order."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contract.task import Task
from components.runtime.halving import Curve, decide
from ernie_core.errors import BadInput


def task(points: int, *steps: int, best: str = "max accuracy") -> Task:
    return Task(
        component="finetune", name="finetune", parameters={}, fingerprint="f", address="finetune-sweep/f", store="s",
        inputs={}, job="j", run="r", spec={}, image={}, scratch="", cache="", progress="", outcome="",
        points=[{}] * points, best=best, halving=steps,
    )  # fmt: skip


def curve(*figures: float, every: int = 10, kept: float = math.inf) -> Curve:
    """A training that is evaluated every so many steps."""
    rows = [{"step": every * (i + 1), "part": "dev", "accuracy": value} for i, value in enumerate(figures)]
    return Curve(kept, [{"step": 5, "part": "train", "loss": 1.0}, *rows])


def test_the_worse_half_is_stopped_at_each_step() -> None:
    curves = {0: curve(0.1, 0.9), 1: curve(0.2, 0.3), 2: curve(0.3, 0.2), 3: curve(0.4, 0.4)}
    found = decide(task(4, 10, 20), curves)
    assert found.left == (3,)
    assert found.stopped == {
        0: "stopped at step 10: accuracy was 0.1 there, the best 2 of 4 continue",
        1: "stopped at step 10: accuracy was 0.2 there, the best 2 of 4 continue",
        2: "stopped at step 20: accuracy was 0.2 there, the best 1 of 2 continue",
    }


def test_nothing_is_decided_before_all_have_come_there() -> None:
    found = decide(task(2, 20), {0: curve(0.1, kept=10), 1: curve(0.2, 0.3)})
    assert (found.open, found.step, found.stopped) == ((0,), 20, {})


def test_one_that_was_lost_is_not_waited_for_and_counts_as_the_worst() -> None:
    found = decide(task(3, 20), {0: Curve(0.0), 1: curve(0.1, 0.1), 2: curve(0.1, 0.2)}, lost=[0])
    assert found.left == (1, 2) and not found.stopped, "it has failed, which is said elsewhere"


@given(st.lists(st.lists(st.sampled_from([0.1, 0.2, 0.3, math.nan]), min_size=6, max_size=6), min_size=2, max_size=9))
def test_what_comes_after_a_step_decides_nothing_at_it(figures: list[list[float]]) -> None:
    whole = {n: curve(*row) for n, row in enumerate(figures)}
    then = {n: curve(*row[:2], kept=20) for n, row in enumerate(figures)}
    if all(math.isnan(row[1]) for row in figures):
        with pytest.raises(BadInput, match="no point has evaluated `accuracy` by step 20"):
            decide(task(len(figures), 20), whole)
        return
    assert decide(task(len(figures), 20), whole) == decide(task(len(figures), 20), then)
    assert len(decide(task(len(figures), 20), whole).left) == -(-len(figures) // 2)


def test_of_equal_ones_the_first_goes_on_and_one_without_a_score_goes_first() -> None:
    assert decide(task(3, 10), {0: curve(math.nan), 1: curve(0.2), 2: curve(0.2)}).left == (1, 2)
    assert decide(task(2, 10), {0: curve(0.2), 1: curve(0.2)}).left == (0,)


def test_a_score_may_be_named_by_its_part() -> None:
    rows = [
        [{"step": 5, "part": "train", "loss": loss}, {"step": 9, "part": "valid", "loss": -loss}] for loss in (2, 1)
    ]
    curves = {n: Curve(math.inf, row) for n, row in enumerate(rows)}
    assert decide(task(2, 10, best="min train_loss"), curves).left == (1,)
    assert decide(task(2, 10, best="min valid_loss"), curves).left == (0,)

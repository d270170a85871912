"""Which point of a sweep is the best, and how points are named."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contract.sweep import Best, complaints, label

VALUES = st.one_of(st.none(), st.integers(-3, 3).map(float), st.sampled_from([math.nan, math.inf, -math.inf]))


@given(st.lists(VALUES, max_size=8), st.sampled_from(["max", "min"]))
def test_the_best_is_the_first_of_the_extreme_finite_values(values: list[float | None], way: str) -> None:
    rows = [{} if value is None else {"score": value} for value in values]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    wanted = values.index(max(finite) if way == "max" else min(finite)) if finite else None
    assert Best.parse(f"{way} score").choose(rows) == wanted


@pytest.mark.parametrize("text", ["accuracy", "max", "max a b", "maximum accuracy", "", None, 3, ["max", "a"]])
def test_anything_else_is_no_rule(text: object) -> None:
    with pytest.raises(ValueError, match="write `max` or `min` and a score, as in `max accuracy`"):
        Best.parse(text)


def test_a_rule_is_read_again_from_its_text() -> None:
    assert Best.parse(str(Best("min", "loss"))) == Best("min", "loss")


def test_a_point_is_named_by_what_sets_it_apart() -> None:
    assert label({"learning_rate": 1e-5, "batch_size": 32, "han": "seen"}) == (
        "learning_rate 1e-05, batch_size 32, han seen"
    )


def test_what_is_said_of_all_points_names_none() -> None:
    assert complaints(["a", "b"], [["x"], ["x"]]) == ["x"]
    assert complaints(["a", "b", "c"], [["x"], ["y"], ["x"]]) == ["point `a` and 1 more: x", "point `b`: y"]

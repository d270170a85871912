"""Gates."""

import pytest

from components.gates import Gate, failures


def test_bounds_are_compared_as_written() -> None:
    gates = [Gate.parse("accuracy", ">=0.75"), Gate.parse("unk", "<0.5%")]
    assert failures(gates, {"accuracy": 0.75, "unk": 0.004}) == []
    assert failures(gates, {"accuracy": 0.7, "unk": 0.005}) == [
        "accuracy is 0.7, required is >= 0.75",
        "unk is 0.005, required is < 0.005",
    ]


def test_a_score_that_is_not_there_fails_and_lists_those_that_are() -> None:
    assert failures([Gate.parse("f1", ">0")], {"accuracy": 1.0}) == [
        "f1 > 0 cannot be tested, the step has no such score, choose from: accuracy"
    ]


@pytest.mark.parametrize("text", ["0.75", "=>1", ">= high", "", "==1"])
def test_what_is_not_a_bound_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a bound"):
        Gate.parse("accuracy", text)

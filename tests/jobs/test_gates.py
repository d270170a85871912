"""Gates."""

import pytest

import components
from components.contract import gates
from components.contract.gates import Gate, failures


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


@pytest.mark.parametrize("scores", [{"held_out_tokens": 0, "unk_rate": 0.0}, {"held_out_tokens": 0}, {"documents": 9}])
@pytest.mark.parametrize("bound", ["<0.5%", ">=0"])
def test_a_score_of_nothing_is_not_judged_whatever_an_earlier_version_wrote_down(scores, bound) -> None:
    (said,) = gates.failures([Gate.parse("unk_rate", bound)], scores, components.find("vocab").unmeasured)
    assert "was not measured: nothing was held out" in said and "remove the gate" in said


def test_a_score_that_was_measured_is_judged_as_ever() -> None:
    scores, unmeasured = {"held_out_characters": 1, "coverage": 0.0}, components.find("vocab").unmeasured
    (said,) = gates.failures([Gate.parse("coverage", ">=0.9")], scores, unmeasured)
    assert said == "coverage is 0, required is >= 0.9"
    assert gates.failures([Gate.parse("coverage", "<0.9")], scores, unmeasured) == []


def test_a_package_of_what_nobody_evaluated_says_so() -> None:
    (said,) = gates.failures([Gate.parse("macro_f1", ">0")], {"size_mb": 1}, components.find("package").unmeasured)
    assert "macro_f1 > 0 was not measured: nothing was evaluated: put an `evaluate` step before it" in said

"""The table of what is seen and what is done about it, without a cluster."""

from dataclasses import replace

import pytest

from components.launch import causes, state
from components.launch.observation import Attempt, Limits, Observation, Pod, Reason
from components.runtime.record import PastAttempt

LIMITS = Limits()
ACTIVE = Attempt(1, "x-a1", "u1", "active", "same")
PODS = (Pod("p0", "0", 0, 1, started=True), Pod("p1", "1", 1, 1, node="n1", started=True))
RUNNING = Observation(False, "same", ACTIVE, PODS, silent_for=1.0)
FAILED = replace(RUNNING, attempt=replace(ACTIVE, state="failed"))


def past(cause="crash", counted=True, progress="", number=1, **more):
    return PastAttempt(number, f"u{number}", cause, counted, "it died", progress=progress, **more)


def ended(code, reason="", disrupted="", when="2"):
    return Pod("p1", "1", 1, 1, code=code, ended=when, started=True, over=True, reason=reason, disrupted=disrupted)


@pytest.mark.parametrize(
    ("pod", "cause", "counted"),
    [
        (ended(65), "user", False),
        (ended(78, disrupted="EvictionByEvictionAPI"), "user", False),
        (ended(143, disrupted="PreemptionByScheduler"), "lost", False),
        (ended(137, disrupted="DeletionByTaintManager"), "lost", False),
        (ended(1, disrupted="Shutdown"), "lost", False),
        (ended(143), "stopped", True),
        (ended(137, "OOMKilled"), "memory", True),
        (ended(137), "memory", True),
        (ended(247), "memory", True),
        (ended(1), "crash", True),
        (ended(134), "crash", True),
        (replace(PODS[1], leaving_for=1.0), "lost", False),
        (replace(PODS[1], disrupted="DeletionByTaintManager"), "lost", False),
    ],
)
def test_a_pod_of_a_gang_says_why_it_ended(pod, cause, counted):
    found = causes.judge(ACTIVE, replace(RUNNING, pods=(PODS[0], pod)), LIMITS)
    assert found is not None and (found.cause, found.counted) == (cause, counted)


def test_the_one_that_ended_first_is_the_cause_the_others_die_of_it():
    first, later = ended(1, when="1"), replace(ended(134, when="2"), number=0)
    found = causes.judge(FAILED.attempt, replace(FAILED, pods=(later, first)), LIMITS)
    assert found is not None and "exit code 1" in found.text


def test_all_that_runs_is_left_alone():
    assert isinstance(state.decide(RUNNING, [], LIMITS), state.Wait)


def test_a_suspended_attempt_is_left_alone_whatever_its_pods_did():
    seen = replace(RUNNING, attempt=replace(ACTIVE, state="suspended"), pods=(ended(137),))
    assert isinstance(state.decide(seen, [], LIMITS), state.Wait)


def test_silence_is_a_hang_and_more_is_borne_before_the_first_word():
    assert isinstance(state.decide(replace(RUNNING, silent_for=901.0), [], LIMITS), state.Wait)
    action = state.decide(replace(RUNNING, silent_for=901.0, beaten=True), [], LIMITS)
    assert isinstance(action, state.Judge) and action.past.cause == "hang"


def test_an_ended_attempt_is_put_on_record_removed_waited_for_and_followed_by_the_next():
    seen = replace(FAILED, pods=(replace(PODS[0]), ended(1)))
    action = state.decide(seen, [], LIMITS)
    assert isinstance(action, state.Judge)
    record = [action.past]
    assert isinstance(state.decide(seen, record, LIMITS), state.Delete)
    leaving = replace(seen, attempt=replace(FAILED.attempt, leaving=True))
    assert state.decide(leaving, record, LIMITS) == state.Wait("waiting for 1 pods of attempt 1 to end", True)
    gone = Observation(False, "same", rested=0.0)
    assert isinstance(state.decide(gone, record, LIMITS), state.Wait)
    assert state.decide(replace(gone, rested=60.0), record, LIMITS) == state.Create(2)


def test_a_pod_that_does_not_go_is_taken_off_the_books_and_the_next_attempt_waits_longer():
    stuck = replace(PODS[1], leaving_for=61.0)
    assert state.decide(replace(RUNNING, pods=(stuck,)), [], LIMITS) == state.Force((stuck,))
    fresh = replace(stuck, leaving_for=59.0)
    assert not isinstance(state.decide(replace(RUNNING, pods=(fresh,)), [], LIMITS), state.Force)
    lost = replace(fresh, disrupted=causes.NODE_LOST)
    assert state.decide(replace(RUNNING, pods=(lost,)), [], LIMITS) == state.Force((lost,))
    gone = Observation(False, "same", rested=40.0)
    assert state.decide(gone, [past("lost", False)], LIMITS) == state.Create(2)
    assert isinstance(state.decide(replace(gone, forced=True), [past("lost", False)], LIMITS), state.Wait)


def test_deaths_are_counted_in_a_row_without_a_new_checkpoint():
    row = [past(number=n) for n in (1, 2)]
    assert state.verdict(row, LIMITS) is None
    assert state.verdict([*row, past(number=3)], LIMITS) is not None
    assert state.verdict([*row, past(number=3, progress="model_5")], LIMITS) is None


def test_what_the_cluster_does_has_a_budget_of_its_own():
    lost = [past("lost", False, number=n) for n in range(1, 10)]
    assert state.verdict([*lost, past(number=10), past(number=11)], LIMITS) is None
    assert state.verdict([*lost, past("lost", False, number=10)], LIMITS) is not None


def test_a_hopeless_reason_is_borne_for_seconds_unless_something_ran_before():
    seen = replace(RUNNING, pods=(), silent_for=None, pending_for=60.0, reasons=(Reason("no image", True),))
    assert isinstance(state.decide(seen, [], LIMITS), state.Judge)
    ran = [PastAttempt(0, "other", "crash", True, "it died")]
    assert isinstance(state.decide(seen, ran, LIMITS), state.Wait)
    assert isinstance(state.decide(replace(seen, reasons=(Reason("no room"),)), [], LIMITS), state.Wait)
    assert isinstance(state.decide(replace(seen, pending_for=1801.0), ran, LIMITS), state.Judge)


def test_numbers_go_on_from_what_is_on_record():
    assert state.decide(Observation(False, "same", rested=99.0), [past(number=7)], LIMITS) == state.Create(8)

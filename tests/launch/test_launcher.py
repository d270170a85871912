"""What a launcher does about everything that can happen to a gang, against an API server over HTTP."""

from dataclasses import replace

import pytest

from components.runtime import record
from components.runtime.record import Record
from ernie_core import errors


def history(place) -> Record:
    return record.read(place.store, record.key(place.workload.task))


def causes(place) -> list[tuple[str, bool]]:
    return [(past.cause, past.counted) for past in history(place).past]


def test_a_gang_that_does_well_is_one_attempt(place):
    launched = place.launch()
    job = place.attempt(1)
    assert [p["metadata"]["name"] for p in place.cluster.pods(job)] == [f"{job}-worker-0", f"{job}-worker-1"]
    place.succeed(job)
    launched.end()
    assert causes(place) == []
    assert place.cluster.all("leases") == []


def test_pods_that_end_well_prove_nothing(place):
    launched = place.launch()
    for number in (1, 2, 3):
        job = place.attempt(number)
        for pod in place.cluster.pods(job):
            place.cluster.exit(pod["metadata"]["name"], 0)
    with pytest.raises(errors.Error, match=r"succeeded, but the artefact is missing.*3 without progress"):
        launched.end()


def test_a_launcher_that_comes_later_takes_up_what_runs(place, pace):
    first = place.launch(pace=replace(pace, outage=0.5))
    job = place.attempt(1)
    uid = place.cluster.objects["paddlejobs", job]["metadata"]["uid"]
    place.cluster.fault = lambda verb, plural: (503, "gone") if plural == "paddlejobs" else None
    with pytest.raises(errors.Unreachable):  # as good as dead: nobody hears it any more
        first.end(12)
    place.cluster.fault = lambda verb, plural: None
    second = place.launch()
    place.until(lambda: place.cluster.all("leases"))
    place.succeed(job)
    second.end()
    assert place.cluster.objects["paddlejobs", job]["metadata"]["uid"] == uid
    assert len(place.cluster.all("paddlejobs")) == 1


def test_of_two_launchers_one_acts_and_both_see_the_end(place):
    launched = [place.launch(), place.launch()]
    job = place.attempt(1)
    assert len(place.cluster.all("paddlejobs")) == 1
    place.succeed(job)
    for one in launched:
        one.end()


def test_a_request_that_was_not_answered_is_looked_for_not_repeated(place):
    asked = []

    def cut(verb, plural):
        if (verb, plural) == ("create", "paddlejobs") and not asked:
            asked.append(1)
            place.cluster.put("paddlejobs", first)
            return 0, ""
        return None

    from components.launch.stages import stages

    first = stages(place.workload)[0].backend.render(stages(place.workload)[0], 1)
    place.cluster.fault = cut
    launched = place.launch()
    place.succeed(place.attempt(1))
    launched.end()
    assert asked and len(place.cluster.all("paddlejobs")) == 1


def test_the_same_name_of_somebody_else_is_refused(place):
    foreign = {"metadata": {"name": f"{place.workload.name}-a1", "labels": {}}, "spec": {}}
    place.cluster.start = None  # a job without pods
    place.cluster.put("paddlejobs", foreign)
    with pytest.raises(errors.Refused, match="does not belong to this step"):
        place.launch().end()


def test_the_same_work_with_other_settings_is_refused_while_it_runs(place):
    first = place.launch()
    job = place.attempt(1)
    other = replace(place.workload, memory=2**30)
    place.cluster.objects.pop(("leases", place.cluster.all("leases")[0]["metadata"]["name"]))
    second = place.launch(workload=other)
    with pytest.raises(errors.Refused, match="other settings"):
        second.end()
    place.succeed(job)
    first.end()


def test_one_dies_and_all_begin_again_from_the_last_checkpoint(place):
    launched = place.launch()
    job = place.attempt(1)
    place.checkpoint(500)
    place.cluster.exit(f"{job}-worker-1", 1, message="Traceback\nIndexError: out of range")
    job = place.attempt(2)
    place.until(lambda: causes(place) == [("crash", True)])
    past = history(place).past[0]
    assert past.progress == "model_500" and "IndexError" in past.text and past.node == "node1"
    place.succeed(job)
    launched.end()


def test_three_deaths_without_a_new_checkpoint_are_the_end(place):
    launched = place.launch()
    for number in (1, 2, 3, 4):
        job = place.attempt(number)
        if number == 2:
            place.checkpoint(500)
        place.cluster.exit(f"{job}-worker-0", 137, reason="OOMKilled")
    with pytest.raises(errors.Error, match=r"3 without progress after model_500; give the step more `memory:`"):
        launched.end()
    assert history(place).state == "failed"
    with pytest.raises(errors.Error, match="without progress"):  # asked again it says the same, and starts nothing
        place.launch().end()
    assert place.cluster.all("paddlejobs") == []


def test_a_new_run_tries_what_an_earlier_one_gave_up(place):
    launched = place.launch()
    place.cluster.exit(f"{place.attempt(1)}-worker-0", 65, message="bad line 3")
    with pytest.raises(errors.BadInput, match="bad line 3"):
        launched.end()
    launched = place.launch(workload=replace(place.workload, task={**place.workload.task, "run": "run2"}))
    place.succeed(place.attempt(2))
    launched.end()


@pytest.mark.parametrize(("code", "kind"), [(65, errors.BadInput), (77, errors.Denied), (78, errors.Refused)])
def test_what_no_restart_can_cure_ends_it_at_once(place, code, kind):
    launched = place.launch()
    job = place.attempt(1)
    place.cluster.exit(f"{job}-worker-0", 1)
    place.cluster.exit(f"{job}-worker-1", code, message="this is why")
    with pytest.raises(kind):
        launched.end()


def test_what_the_cluster_takes_away_is_not_counted(place):
    launched = place.launch()
    for number in (1, 2, 3, 4):
        place.cluster.disrupt(f"{place.attempt(number)}-worker-1", "PreemptionByScheduler")
    job = place.attempt(5)
    assert causes(place) == [("lost", False)] * 4
    place.succeed(job)
    launched.end()


def test_an_evicted_pod_without_an_exit_code_is_not_counted(place):
    launched = place.launch()
    place.cluster.status(f"{place.attempt(1)}-worker-0", phase="Failed", reason="Evicted")
    job = place.attempt(2)
    assert causes(place) == [("lost", False)]
    place.succeed(job)
    launched.end()


def test_a_pod_that_was_put_in_the_place_of_another_ends_the_gang(place):
    """The operator replaces a pod that vanished; the gang would wait for the new one for ever."""
    launched = place.launch()
    job = place.attempt(1)
    place.until(lambda: history(place).state == "running")
    with place.cluster.lock:
        pod = place.cluster.objects["pods", f"{job}-worker-1"]
        place.cluster.put("pods", {**pod, "metadata": {**pod["metadata"]}})
    job = place.attempt(2)
    assert causes(place) == [("lost", False)]
    place.succeed(job)
    launched.end()


def test_a_job_deleted_by_hand_is_made_again(place):
    launched = place.launch()
    place.until(lambda: history(place).state == "running")
    place.cluster.delete("paddlejobs", place.attempt(1))
    job = place.attempt(2)
    assert causes(place) == [("lost", False)]
    place.succeed(job)
    launched.end()


def test_pods_of_a_lost_node_are_taken_off_the_books(place):
    launched = place.launch()
    job = place.attempt(1)
    place.cluster.stuck = {"node1"}
    place.cluster.disrupt(f"{job}-worker-1", "DeletionByTaintManager")
    job = place.attempt(2)
    assert place.cluster.pods(f"{place.workload.name}-a1") == []
    place.succeed(job)
    launched.end()


def test_the_next_attempt_waits_until_every_old_pod_is_gone(place, limits):
    launched = place.launch(replace(limits, stuck=2.0))
    job = place.attempt(1)
    place.cluster.stuck = {"node1"}
    place.cluster.disrupt(f"{job}-worker-1", "DeletionByTaintManager")
    place.until(lambda: history(place).past)
    assert not place.cluster.pods(f"{place.workload.name}-a2")
    assert place.cluster.pods(job)
    place.succeed(place.attempt(2))
    launched.end()

"""A sweep as one Indexed Job over its points, then the choice of the best."""

from dataclasses import replace

import pytest

from components.launch.stages import manifests
from components.runtime import points, record
from components.runtime.points import PointRecord
from ernie_core import errors


@pytest.fixture
def swept(place):
    """Three points."""
    rows = [{"varied": ["seed"], "parameters": {"seed": n}, "fingerprint": str(n) * 16} for n in range(3)]
    task = {**place.workload.task, "points": rows, "best": "min train_loss", "address": f"pretrain-sweep/{'f' * 16}"}
    return replace(place, workload=replace(place.workload, kind="shards", count=3, task=task))


def settle(place, number, state, why=""):
    points.write(place.store, place.workload.task["address"], number, PointRecord(state, why, run="run1"))


def end_all(place, job, code=0):
    for pod in place.cluster.pods(job):
        place.cluster.exit(pod["metadata"]["name"], code)


def test_every_point_is_an_index_and_as_many_run_as_the_spec_says(swept):
    share, join = manifests(replace(swept.workload, parallelism=2))
    assert (share["spec"]["completions"], share["spec"]["parallelism"]) == (3, 2)
    command = share["spec"]["template"]["spec"]["containers"][0]["command"]
    assert command[-2:] == ["--shard", "$(JOB_COMPLETION_INDEX)/3"]
    assert join["spec"]["completions"] == 1


def test_the_cluster_starts_an_index_again_for_longer_than_its_point_may_fail(swept, shards):
    from components.runtime.gang import PATIENCE

    share, _ = manifests(swept.workload)
    assert share["spec"]["backoffLimitPerIndex"] >= PATIENCE
    assert manifests(shards.workload)[0]["spec"]["backoffLimitPerIndex"] < PATIENCE


def test_a_training_in_a_sweep_gets_time_to_save_as_far_as_nodes_grant_it(swept):
    def grace(workload):
        return [job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] for job in manifests(workload)]

    assert grace(swept.workload) == [900, 900]
    assert grace(replace(swept.workload, grace=300)) == [300, 300]


def test_the_points_are_made_and_then_the_best_is_chosen(swept):
    launched = swept.launch()
    job = swept.attempt(1)
    assert len(swept.cluster.pods(job)) == 3
    end_all(swept, job)
    swept.succeed(swept.attempt(1, "j"))
    launched.end()


def test_points_that_are_made_or_given_up_before_a_job_dies_are_progress(swept):
    launched = swept.launch()
    for number, state in ((1, "done"), (2, "failed")):
        job = swept.attempt(number)
        settle(swept, number, state)
        swept.cluster.exit(f"{job}-0", 1)
        swept.cluster.condition("jobs", job, "Failed", message="index 0 failed")
    job = swept.attempt(3)
    past = record.read(swept.store, record.key(swept.workload.task)).past
    assert [entry.progress for entry in past] == ["1 points", "2 points"]
    end_all(swept, job)
    swept.succeed(swept.attempt(1, "j"))
    launched.end()


def test_points_that_failed_end_the_step_with_the_words_of_the_joining_pod(swept, limits):
    launched = swept.launch(replace(limits, failures=1))
    end_all(swept, swept.attempt(1))
    job = swept.attempt(1, "j")
    words = "1 of 3 points failed, 2 are made and kept"
    for pod in swept.cluster.pods(job):
        swept.cluster.exit(pod["metadata"]["name"], 1, message=words)
    swept.cluster.condition("jobs", job, "Failed", message="index 0 failed")
    with pytest.raises(errors.Error, match=words):
        launched.end()

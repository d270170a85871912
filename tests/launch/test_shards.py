"""Shards as an Indexed Job, then the join."""

from dataclasses import replace

import pytest

from components.launch.stages import manifests
from components.runtime import record
from ernie_core import errors
from ernie_core.store import artefact


def history(place):
    return record.read(place.store, record.key(place.workload.task))


def end_all(place, job, code=0):
    for pod in place.cluster.pods(job):
        place.cluster.exit(pod["metadata"]["name"], code)


def piece(place, number):
    address = f"{place.workload.task['address']}/piece-{number:05d}"
    folder = artefact.staging(place.store, address, None)
    (folder / "data").write_text(str(number))
    artefact.publish(place.store, address, folder, kind="piece", info={})


def test_shards_are_made_and_then_joined(shards):
    launched = shards.launch()
    job = shards.attempt(1)
    assert len(shards.cluster.pods(job)) == 3
    end_all(shards, job)
    shards.succeed(shards.attempt(1, "j"))
    launched.end()
    assert len(shards.cluster.all("jobs")) == 2


def test_each_index_makes_its_share_and_the_join_the_whole(shards):
    share, join = manifests(shards.workload)
    assert share["spec"]["completions"] == 3 and share["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    command = share["spec"]["template"]["spec"]["containers"][0]["command"]
    assert command[-2:] == ["--shard", "$(JOB_COMPLETION_INDEX)/3"]
    command = join["spec"]["template"]["spec"]["containers"][0]["command"]
    assert join["spec"]["completions"] == 1 and "--shard" not in command


def test_a_single_shard_is_the_whole_step(shards):
    (only,) = manifests(replace(shards.workload, count=1))
    assert "--shard" not in only["spec"]["template"]["spec"]["containers"][0]["command"]


def test_a_shard_that_fails_is_the_clusters_to_start_again(shards):
    launched = shards.launch()
    job = shards.attempt(1)
    shards.cluster.exit(f"{job}-0", 1)
    shards.asked(9)
    assert history(shards).past == ()
    for number in (0, 1, 2):
        shards.cluster.exit(f"{job}-{number}", 0)
    shards.succeed(shards.attempt(1, "j"))
    launched.end()


def test_shards_that_make_pieces_before_they_die_are_tried_on(shards):
    launched = shards.launch()
    for number in (1, 2, 3, 4):
        job = shards.attempt(number)
        piece(shards, number)
        shards.cluster.exit(f"{job}-1", 1)
        shards.cluster.condition("jobs", job, "Failed", message="index 1 failed")
    job = shards.attempt(5)
    assert [past.progress for past in history(shards).past] == ["1 pieces", "2 pieces", "3 pieces", "4 pieces"]
    end_all(shards, job)
    shards.succeed(shards.attempt(1, "j"))
    launched.end()


def test_bad_data_in_one_shard_ends_it(shards):
    launched = shards.launch()
    job = shards.attempt(1)
    shards.cluster.exit(f"{job}-2", 65, message="part-2.txt is not UTF-8")
    shards.cluster.condition("jobs", job, "FailureTarget", message="exit code 65")
    with pytest.raises(errors.BadInput, match=r"part-2.txt is not UTF-8"):
        launched.end()


def test_pods_of_a_lost_node_make_room_for_others(shards):
    launched = shards.launch()
    job = shards.attempt(1)
    shards.cluster.stuck = {"node1"}
    shards.cluster.disrupt(f"{job}-1", "DeletionByTaintManager")
    shards.until(lambda: len(shards.cluster.pods(job)) == 2)
    assert history(shards).past == ()
    end_all(shards, job)
    shards.succeed(shards.attempt(1, "j"))
    launched.end()


def test_what_is_committed_already_is_not_made_again(shards):
    shards.commit()
    shards.launch().end()
    assert shards.cluster.all("jobs") == []

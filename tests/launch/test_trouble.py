"""Clusters that do not answer, say no, or cannot start a pod: what passes is waited for, what does not is said."""

import random
import time
from dataclasses import replace

import pytest

from components.launch import heartbeat
from components.runtime import record
from ernie_core import errors


def history(place):
    return record.read(place.store, record.key(place.workload.task))


@pytest.mark.parametrize("status", [500, 503, 429, 410, 408, 0])
def test_an_api_that_does_not_answer_ends_nothing(place, status):
    """0 is a line that is cut."""
    launched = place.launch()
    job = place.attempt(1)
    place.cluster.fault = lambda verb, plural: (status, "not now")
    place.asked(4)
    assert launched.running
    place.cluster.fault = lambda verb, plural: None
    place.succeed(job)
    launched.end()
    assert history(place).past == () and len(place.cluster.all("paddlejobs")) == 1


@pytest.mark.parametrize("status", [410, 500, 403, 0])
def test_a_watch_that_is_lost_is_done_without(place, status):
    place.cluster.fault = lambda verb, plural: (status, "too old") if verb == "watch" else None
    launched = place.launch()
    place.succeed(place.attempt(1))
    launched.end()


def test_an_api_that_fails_now_and_then_only_costs_time(place):
    dice = random.Random(1)
    place.cluster.fault = lambda verb, plural: (503, "busy") if dice.random() < 0.3 else None
    launched = place.launch()
    place.succeed(place.attempt(1))
    launched.end()
    assert history(place).past == ()


def test_a_server_that_has_just_started_says_no_to_everyone_and_is_not_believed(place, pace):
    place.cluster.fault = lambda verb, plural: (403, "forbidden") if place.cluster.requests < 4 else None
    launched = place.launch(pace=replace(pace, firm=60))
    place.succeed(place.attempt(1))
    launched.end()


def test_an_account_without_rights_is_told_which(place):
    said = 'paddlejobs.kubeflow.org is forbidden: User "x" cannot create resource "paddlejobs"'
    place.cluster.fault = lambda verb, plural: (403, said) if (verb, plural) == ("create", "paddlejobs") else None
    with pytest.raises(errors.Denied, match=r"give it the Role of the chart.*cannot create resource"):
        place.launch().end()


def test_a_cluster_without_the_operator_is_told_what_to_install(place):
    place.cluster.kinds.discard("paddlejobs")
    with pytest.raises(errors.NotFound, match="install the training operator"):
        place.launch().end()


def test_what_the_cluster_does_not_take_is_said_in_its_words(place):
    said = "PaddleJob is invalid: spec.replicas: Invalid value"
    place.cluster.fault = lambda verb, plural: (422, said) if (verb, plural) == ("create", "paddlejobs") else None
    with pytest.raises(errors.BadInput, match="Invalid value"):
        place.launch().end()


def test_a_wrong_image_is_said_at_once_and_stays_said(place):
    place.cluster.start = False
    launched = place.launch()
    job = place.attempt(1)
    for pod in place.cluster.pods(job):
        place.cluster.wait_for(pod["metadata"]["name"], "ImagePullBackOff", "Back-off pulling image")
    with pytest.raises(errors.Error, match=r"image some/image cannot be pulled.*correct its name or digest"):
        launched.end()
    assert place.cluster.all("paddlejobs") == []
    with pytest.raises(errors.Error, match="cannot be pulled"):
        place.launch().end(2)


def test_an_image_that_could_be_had_before_is_waited_for(place):
    launched = place.launch()
    job = place.attempt(1)
    place.until(lambda: history(place).state == "running")
    place.cluster.start = False
    place.cluster.exit(f"{job}-worker-0", 1)
    job = place.attempt(2)
    for pod in place.cluster.pods(job):
        place.cluster.wait_for(pod["metadata"]["name"], "ErrImagePull", "registry unavailable")
    place.until(lambda: "cannot be pulled" in history(place).text)
    time.sleep(0.4)
    place.asked(10)
    assert launched.running
    for pod in place.cluster.pods(job):
        place.cluster.run(pod["metadata"]["name"])
    place.succeed(job)
    launched.end()


def test_a_missing_secret_is_named(place):
    place.cluster.start = False
    launched = place.launch()
    job = place.attempt(1)
    place.cluster.wait_for(f"{job}-worker-0", "CreateContainerConfigError", 'secret "s3-keys" not found')
    with pytest.raises(errors.Error, match="there is no secret `s3-keys` in this namespace: create it"):
        launched.end()


def test_a_quota_that_can_never_be_met_is_said_at_once(place):
    place.cluster.start = None
    said = 'pods "x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=0, limited: pods=0'
    launched = place.launch()
    job = place.until(lambda: place.cluster.all("paddlejobs"))[0]["metadata"]["name"]
    place.cluster.event(job, "FailedCreatePod", f"Error creating: {said}")
    with pytest.raises(errors.Error, match="quota `team` does not allow pods=1: raise it, it allows pods=0"):
        launched.end()


def test_a_quota_on_jobs_that_others_use_up_is_waited_for(place):
    said = "exceeded quota: team, requested: count/paddlejobs=1, used: count/paddlejobs=2, limited: count/paddlejobs=2"
    place.cluster.fault = lambda verb, plural: (403, said) if (verb, plural) == ("create", "paddlejobs") else None
    launched = place.launch()
    time.sleep(0.4)
    place.asked(10)
    assert launched.running
    place.cluster.fault = lambda verb, plural: None
    place.succeed(place.attempt(1))
    launched.end()


def test_a_webhook_that_does_not_answer_is_named_and_waited_for(place, capfd):
    said = 'Internal error occurred: failed calling webhook "validator.paddlejob": connection refused'
    place.cluster.fault = lambda verb, plural: (500, said) if (verb, plural) == ("create", "paddlejobs") else None
    launched = place.launch()
    place.asked(12)
    place.cluster.fault = lambda verb, plural: None
    place.succeed(place.attempt(1))
    launched.end()
    assert "a webhook of the cluster does not answer" in capfd.readouterr().out


def test_pods_that_no_node_takes_are_waited_for_and_then_given_up(place, limits):
    place.cluster.start = False
    launched = place.launch(replace(limits, pending=3))
    job = place.attempt(1)
    said = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
    place.cluster.status(f"{job}-worker-0", conditions=[{"type": "PodScheduled", "status": "False", "message": said}])
    place.until(lambda: "Insufficient nvidia.com/gpu" in history(place).text)
    with pytest.raises(errors.Error, match=r"could not start within 3 s: no node accepts the pod: 0/2 nodes"):
        launched.end()


def test_what_waits_in_a_queue_has_not_failed_however_long_it_takes(place, limits):
    launched = place.launch(replace(limits, pending=1, silent=1, starting=1))
    job = place.attempt(1)
    place.until(lambda: history(place).state == "running")
    place.cluster.suspend(job, True)
    place.until(lambda: "in the queue" in history(place).text)
    time.sleep(1.5)
    assert launched.running
    assert history(place).past == ()
    place.cluster.suspend(job, False)
    place.succeed(job)
    launched.end()


def test_a_gang_that_says_nothing_any_more_is_ended(place, limits):
    launched = place.launch(replace(limits, silent=1.0))
    place.attempt(1)
    for done in range(4):
        heartbeat.write(place.store, place.workload.task["address"], 1, {"done": done})
        place.asked(3)
    job = place.attempt(2)
    assert history(place).past[0].cause == "hang"
    place.succeed(job)
    launched.end()


def test_a_gang_that_has_not_said_anything_yet_has_more_time(place, limits):
    launched = place.launch(replace(limits, silent=0.1, starting=60))
    job = place.attempt(1)
    place.until(lambda: history(place).state == "running")
    place.asked(9)
    assert history(place).past == ()
    place.succeed(job)
    launched.end()


def test_a_step_has_only_the_time_that_it_was_given(place, limits):
    launched = place.launch(replace(limits, timeout=0.5))
    place.attempt(1)
    with pytest.raises(errors.Error, match="its `timeout` is 0 s: raise it"):
        launched.end()
    assert place.cluster.all("paddlejobs") == []


def test_a_store_that_does_not_answer_ends_nothing(place, monkeypatch):
    from components.launch import observer

    launched = place.launch()
    job = place.attempt(1)
    read = observer.artefact.read
    monkeypatch.setattr(observer.artefact, "read", raise_unreachable)
    for pod in place.cluster.pods(job):
        place.cluster.exit(pod["metadata"]["name"], 0)
    place.asked(8)
    assert launched.running
    place.commit()
    monkeypatch.setattr(observer.artefact, "read", read)
    launched.end()
    assert history(place).past == ()


def raise_unreachable(*_):
    raise errors.Unreachable("s3 did not answer")


def test_a_wrong_bucket_is_said(place, monkeypatch):
    def missing(*_):
        raise errors.NotFound("there is no bucket x")

    monkeypatch.setattr(record, "read", missing)
    with pytest.raises(errors.NotFound, match="no bucket x"):
        place.launch().end()


def test_a_lease_that_was_lost_stops_all_acting_until_it_is_regained(place):
    launched = place.launch()
    job = place.attempt(1)
    place.until(lambda: history(place).state == "running")
    with place.cluster.lock:
        lease = place.cluster.all("leases")[0]
        lease["spec"]["holderIdentity"] = "somebody else"
        place.cluster.put("leases", lease)
    time.sleep(0.5)  # until it would have renewed it
    place.asked(2)
    place.cluster.exit(f"{job}-worker-0", 1)
    place.asked(3)
    assert history(place).past == ()
    place.succeed(place.attempt(2))  # the other one did not renew it
    launched.end()

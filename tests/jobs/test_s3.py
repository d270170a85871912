"""The same runs with their store on a real S3 server."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from machines import Machine, wait_for
from servers import seaweed

TEXT = "  - segment:\n  - vocab: {size: 3000, english_size: 0, han: seen}\n  - ids:\n"
SLOW = (
    TEXT + "  - pretrain: {arch: 1L32H2, max_seq_len: 32, micro_batch_size: 8, max_steps: 600, checkpoint_steps: 600, "
    'logging_freq: 100, split: "1", eval_iters: 0, cpu: 1}\n'
)
"""A step that takes a while, to be killed in."""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables by which the server is found."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as (_, environment):
        yield environment


@pytest.fixture
def cloud(machine: Machine, s3: dict[str, str], tmp_path: Path) -> Machine:
    machine.environment = s3
    machine.spec(TEXT, store=f"s3://store/{tmp_path.name}")
    return machine


def test_a_run_and_its_logs_live_in_the_bucket(cloud: Machine) -> None:
    cloud.kfp("run", "demo.yaml")
    assert "all is done, nothing to run" in cloud.kfp("run", "demo.yaml").stdout
    assert "documents=40" in cloud.kfp("logs").stdout
    rows = json.loads(cloud.kfp("ls", "--json").stdout)
    assert {row["kind"] for row in rows} == {"words", "vocab", "ids"}
    assert not (cloud.folder / "store").exists()


def test_a_killed_run_goes_on_from_the_bucket(cloud: Machine, tmp_path: Path) -> None:
    cloud.corpus(300)
    cloud.spec(SLOW, store=f"s3://store/{tmp_path.name}")
    runner = cloud.start("run", "demo.yaml")
    wait_for(lambda: cloud.step_pid("pretrain"))
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    wait_for(lambda: cloud.step_pid("pretrain") is None, 30)
    cloud.kfp("run", "demo.yaml")
    steps = cloud.record()["steps"]
    already = {"segment": True, "vocab": True, "ids": True, "pretrain": False}
    assert {name: row["already"] for name, row in steps.items()} == already


def test_wrong_credentials_are_one_message_without_the_secret(cloud: Machine) -> None:
    cloud.environment = {**cloud.environment, "AWS_SECRET_ACCESS_KEY": "notthesecret"}
    done = cloud.kfp("plan", "demo.yaml", check=1)
    assert "notthesecret" not in done.stdout + done.stderr
    assert "AWS_" in done.stderr, "the remedy names the variables"


def test_a_bucket_that_is_not_there_is_named(cloud: Machine) -> None:
    cloud.spec(TEXT, store="s3://nowhere/x")
    assert "nowhere" in cloud.kfp("plan", "demo.yaml", check=1).stderr


def test_inputs_are_read_from_the_bucket(cloud: Machine, s3: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    from ernie_core.store import open_store

    text = (cloud.folder / "corpus" / "a.txt").read_bytes()
    open_store("s3://store/corpora").write("deep/a.txt", text)
    file = cloud.spec(TEXT, store=f"s3://store/{cloud.folder.name}-inputs")
    file.write_text(file.read_text().replace("corpus/*.txt", "s3://store/corpora/**/*.txt"))
    cloud.kfp("run", "demo.yaml")
    assert "documents=40" in cloud.kfp("logs", "demo.yaml", "segment").stdout


def test_a_package_is_pulled_from_the_bucket_and_verified(
    cloud: Machine, s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    from ernie_core.serve import index
    from ernie_core.store import artefact, open_store

    store = open_store(f"s3://store/{tmp_path.name}-packages")
    folder = artefact.staging(store, "package/abc", tmp_path)
    (folder / "model.onnx").write_bytes(os.urandom(20 << 20))
    content = (folder / "model.onnx").read_bytes()
    scores = {"accuracy": 0.9}
    index.register(store, name="reviews", version="1", address="package/abc", fingerprint="abc", scores=scores)
    assert "was started but never finished" in cloud.kfp("pull", "reviews", "--store", store.url, check=3).stderr
    artefact.publish(store, "package/abc", folder, kind="package", info={"scores": scores})

    cloud.kfp("pull", "reviews@1", "--store", store.url, "--into", "here", "--verify")
    assert (cloud.folder / "here" / "model.onnx").read_bytes() == content
    assert "accuracy 0.9" in cloud.kfp("ls", "--packages", "--store", store.url).stdout


def test_a_sweep_takes_the_files_of_its_best_point_within_the_bucket(cloud: Machine, tmp_path: Path) -> None:
    steps = TEXT.replace("size: 3000", "sweep: {size: [160, 600]}, best: max size")
    cloud.spec(steps, store=f"s3://store/{tmp_path.name}")
    cloud.kfp("run", "demo.yaml")
    swept = next(row for row in json.loads(cloud.kfp("ls", "--json").stdout) if row["artefact"].startswith("vocab-"))
    shown = json.loads(cloud.kfp("ls", swept["artefact"], "--verify", "--json").stdout)
    table = json.loads(cloud.kfp("show", swept["artefact"], "--json").stdout)
    best = json.loads(cloud.kfp("ls", table["points"][table["best"]]["address"], "--json").stdout)
    assert not shown["problems"] and table["points"][table["best"]]["varied"] == {"size": 600}
    files = {file["name"]: file["sha256"] for file in shown["files"]}
    assert files.keys() - {"sweep.json", "sweep.html"} == {file["name"] for file in best["files"]}
    assert all(files[file["name"]] == file["sha256"] for file in best["files"])
    assert "all is done, nothing to run" in cloud.kfp("run", "demo.yaml").stdout

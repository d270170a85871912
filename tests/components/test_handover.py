"""What a step hands over to its pipeline, by the very command that was compiled for it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipelines import SITE, Cluster, container

from components.runtime import kept_log
from ernie_core.store import artefact, open_store

SPEC = """\
version: 1
name: small
store: {store}
inputs:
  mine: {{text: s3://corpora/mine/*.txt}}
steps:
  - segment: {{require: {{sentences: ">=3"}}}}
"""
OUTPUTS = {"words": "system.Dataset", "scores": "system.Metrics"}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.delenv("ERNIE_JOBS_SITE", raising=False)
    made = Cluster(tmp_path)
    made.site(SITE.replace("  queue:", f"  volumes: [{{claim: nfs, path: {tmp_path}}}]\n  queue:"))
    return made


def command(cluster: Cluster) -> list[str]:
    """The command of the step, with its words replaced as KFP's launcher does."""
    text = cluster.package(SPEC.format(store=cluster.folder / "store")).text
    given = container(text, "segment")
    row = {name: {"artifacts": [{"name": name, "type": {"schemaTitle": kind}, "uri": f"s3://b/{name}", "metadata": {}}]}
           for name, kind in OUTPUTS.items()}  # fmt: skip
    said = json.dumps({"outputs": {"artifacts": row, "outputFile": str(cluster.folder / "kfp" / "output.json")}})
    words = {"{{$}}": said, "{{$.outputs.artifacts['words'].path}}": str(cluster.folder / "kfp" / "words")}
    found = [words.get(word, word) for word in (*given["command"], *given["args"])]
    return [sys.executable, *(word.replace("/scratch", str(cluster.folder / "scratch")) for word in found[1:])]


def run(cluster: Cluster, scores: dict[str, float]) -> "subprocess.CompletedProcess[str]":
    """As if the step had been made before, with these scores."""
    words = command(cluster)
    task = json.loads(words[words.index("--task") + 1])
    made = cluster.folder / "made"
    made.mkdir()
    (made / "part-00000.jsonl").write_text("{}\n")
    artefact.publish(cluster.store, task["address"], made, kind="words", info={"scores": scores})
    (cluster.folder / "scratch").mkdir()
    return subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2], umask=0)


def shown(cluster: Cluster) -> dict[str, Any]:
    answer = json.loads((cluster.folder / "kfp" / "output.json").read_text())["artifacts"]
    return {name: row["artifacts"][0]["metadata"] for name, row in answer.items()}


def test_a_finished_step_hands_over_where_it_is_and_its_figures(cluster: Cluster) -> None:
    done = run(cluster, {"sentences": 3})
    assert done.returncode == 0, done.stderr
    file = cluster.folder / "kfp" / "words"
    made = json.loads(file.read_text())
    assert made.keys() == {"address", "kind", "fingerprint", "digest", "size", "scores"}
    assert made["address"] == f"segment/{made['fingerprint']}" and made["scores"]["sentences"] == 3
    assert file.stat().st_mode & 0o077 == 0o044, "nobody else can change it, though containers start without a umask"
    assert shown(cluster) == {
        "words": {"address": made["address"], "kind": "words", "fingerprint": made["fingerprint"], "size": 3},
        "scores": {"sentences": 3},
    }


def test_a_gate_that_does_not_pass_ends_the_step_so_that_none_starts_behind_it(cluster: Cluster) -> None:
    done = run(cluster, {"sentences": 2})
    assert done.returncode == 78
    assert "error: gate: sentences is 2, required is >= 3" in done.stderr
    assert shown(cluster)["scores"] == {"sentences": 2}, "the page shows why"


def place(words: list[str], what: str) -> str:
    """Where something of the step is kept in the store."""
    task = json.loads(words[words.index("--task") + 1])
    return f"runs/{task['job']}/{task['run']}/{what}/{task['name']}"


def test_what_a_step_says_and_how_it_ends_outlives_its_pod(cluster: Cluster) -> None:
    done = run(cluster, {"sentences": 2})
    words = done.args
    kept = json.loads(cluster.store.read(f"{place(words, 'steps')}.json"))
    assert (kept["state"], kept["code"]) == ("failed", 78) and kept["text"].startswith("gate: sentences is 2")
    (piece,) = cluster.store.children(place(words, "logs"))
    text = cluster.store.read(f"{place(words, 'logs')}/{piece}").decode()
    assert {line.partition(" ")[2] for line in text.splitlines()} == set((done.stdout + done.stderr).splitlines())


def test_a_step_that_is_known_to_fail_again_does_not_try(cluster: Cluster) -> None:
    first = run(cluster, {"sentences": 2})
    again = subprocess.run(first.args, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert again.returncode == first.returncode == 78
    assert "error: as before: gate: sentences is 2" in again.stderr


def test_a_step_keeps_what_its_children_say_but_no_credentials(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with kept_log.KeptLog(store, "logs", "step-1"):
        subprocess.run(["echo", "AWS_SECRET_ACCESS_KEY=abc and more"])
    (piece,) = store.children("logs")
    assert store.read(f"logs/{piece}").decode().partition(" ")[2] == "AWS_SECRET_ACCESS_KEY=[redacted] and more\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda task: task["parameters"].update(later=1),
            "segment has no `later` here: this image and the",
        ),
        (
            lambda task: task["inputs"].update(later=[]),
            "segment takes no `later` here: this image and the",
        ),
        (lambda task: task.update(work="0123456789abcdef"), "segment makes something else here: this image and the"),
        (lambda task: task.update(later=1), "task with `later`, which this version does not know: use the image of"),
    ],
    ids=["parameter", "input", "revision", "field"],
)
def test_an_image_of_another_version_says_so_and_is_not_tried_again(
    cluster: Cluster, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    words = command(cluster)
    at = words.index("--task") + 1
    task = json.loads(words[at])
    change(task)
    words[at] = json.dumps(task)
    (cluster.folder / "scratch").mkdir()
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 65
    assert f"error: {said}" in done.stderr


def test_a_step_that_this_image_does_not_have_is_named(cluster: Cluster) -> None:
    words = command(cluster)
    at = words.index("--task") + 1
    words[at] = json.dumps(json.loads(words[at]) | {"component": "later"})
    words[words.index("segment")] = "later"
    (cluster.folder / "scratch").mkdir()
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 65
    assert "error: there is no component `later` here: this image and the command line" in done.stderr

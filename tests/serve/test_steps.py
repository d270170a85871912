"""The steps from a task model to predictions, as a job runs them one after the other."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

import components
from components.compress import Compress
from components.contract import scores
from components.contract.base import Here
from components.evaluate import Evaluate
from components.package import Package
from components.predict import Predict
from ernie_core.progress import never, silent
from ernie_core.serve import index
from ernie_core.serve.predictor import Predictor
from ernie_core.serve.pull import pull
from ernie_core.store import Store, artefact, open_store


def here(store: Store, tmp_path: Path, fingerprint: str) -> Here:
    scratch = tmp_path / f"scratch-{fingerprint}"
    scratch.mkdir()
    return Here(scratch, silent, never, store, f"step/{fingerprint}", fingerprint=fingerprint)


def empty(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_task_model_becomes_a_package_that_is_pulled_and_answers(exported: Path, tmp_path: Path) -> None:
    store, data = open_store(tmp_path / "store"), exported.with_name("data")
    inference, report = empty(tmp_path / "inference"), empty(tmp_path / "report")
    made = Compress().run(exported.with_name("finetuned"), data, inference, here(store, tmp_path, "c1"))
    told = Evaluate(engine="onnxruntime").run(inference, data, report, here(store, tmp_path, "e1"))
    assert told["accuracy"] == made["test_accuracy"] > 0.9
    assert not components.mismatch(Compress(), made, ["finetuned", "task_data"])
    assert not components.mismatch(Evaluate(), told, ["inference", "task_data"])

    place = here(store, tmp_path, "0123456789abcdef")
    folder = artefact.staging(store, place.address, place.scratch)
    packed = Package(name="reviews").run(inference, report, folder, place)
    assert packed["accuracy"] == told["accuracy"]
    assert not scores.mismatch(packed, Package(name="reviews").gives(["inference", "report"])), "no others either"
    artefact.publish(store, place.address, folder, kind="package", info={})
    assert index.resolve(store, "reviews").version == "01234567"
    pulled = pull(store, "reviews", tmp_path / "pulled")
    assert [p.label for p in Predictor.open(pulled).predict(["天地好人", "坏风"])] == ["positive", "negative"]

    text, predictions = empty(tmp_path / "text"), empty(tmp_path / "predictions")
    (text / "a.txt").write_text("天地好人\n坏风\n好水\n", encoding="utf-8")
    found = Predict(engine="fastdeploy").run(pulled, text, predictions, here(store, tmp_path, "p1"))
    assert found["share_positive"] == pytest.approx(2 / 3)
    assert not components.mismatch(Predict(), found, ["package", "text"])


def test_without_labelled_examples_there_are_no_accuracies_and_a_package_hands_on_what_there_is(
    exported: Path, tmp_path: Path
) -> None:
    store, folder = open_store(tmp_path / "store"), empty(tmp_path / "package")
    for strategy in ("none", "int8"):
        made = Compress(strategy=strategy).run(
            exported.with_name("finetuned"), None, empty(tmp_path / strategy), here(store, tmp_path, strategy)
        )
        assert not components.mismatch(Compress(strategy=strategy), made, ["finetuned"])
        assert "p50_ms" in made and "accuracy" not in made
    packed = Package(name="reviews").run(tmp_path / "int8", None, folder, here(store, tmp_path, "0123456789abcdef"))
    assert not scores.mismatch(packed, Package(name="reviews").gives(["inference"]))


def test_a_package_made_twice_is_the_same_package(exported: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    contents = []
    for attempt in ("first", "second"):
        place = here(store, tmp_path, "0123456789abcdef")
        folder = empty(tmp_path / attempt)
        Package(name="reviews", version="1").run(exported, None, folder, place)
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
        shutil.rmtree(place.scratch)
    assert contents[0] == contents[1]


@pytest.mark.parametrize("name", ["Reviews", "a/b", "", "a\n"])
def test_a_name_that_is_not_safe_is_refused_when_the_job_is_checked(name: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        Package(name=name)
    with pytest.raises(ValidationError, match="pattern"):
        Package(name="reviews", version=name or "A")

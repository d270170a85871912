"""What a step downloaded stays until its artefact is committed: a store that fails costs no second download."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from published import Files, server

from components import __main__ as steps
from components.contract.task import Task
from components.runtime.stop import Stop
from ernie_core.catalogue import mirror
from ernie_core.errors import Unreachable
from ernie_core.store import artefact, open_store


def archive() -> bytes:
    rows = [{"id": f"q{i}", "context": f"北京是首都，编号{i}。", "question": "首都是哪里？",
             "answers": [{"text": "北京", "answer_start": 0}]} for i in range(3)]  # fmt: skip
    data = {
        "version": "v",
        "data": [{"paragraphs": [{"id": r["id"], "context": r["context"], "qas": [r]}]} for r in rows],
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name in ("train", "dev", "trial", "test"):
            out.writestr(f"cmrc2018_public/{name}.json", json.dumps(data, ensure_ascii=False))
    return packed.getvalue()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with server() as files:
        files.content["/datasets/clue/cmrc2018/cmrc2018_public.zip"] = archive()
        monkeypatch.setenv(mirror.VARIABLE, files.url)
        yield files


def task(folder: Path) -> Task:
    place = {name: str(folder / name) for name in ("store", "scratch", "cache", "progress", "outcome")}
    return Task(component="dataset", name="dataset", parameters={"name": "clue/cmrc2018"}, fingerprint="f" * 40,
                address=f"dataset/{'f' * 40}", inputs={}, job="job", run="run", spec={"path": "demo.yaml"}, image={},
                **place)  # fmt: skip


def kept(folder: Path) -> list[str]:
    return [path.name for path in (folder / "cache").rglob("*.zip")]


def test_a_store_that_fails_costs_no_second_download(
    site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise Unreachable("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(artefact, "publish", fails)
        with pytest.raises(Unreachable):
            steps._run(task(tmp_path), Stop())
    assert kept(tmp_path) == ["cmrc2018_public.zip"]
    steps._run(task(tmp_path), Stop())
    assert len(site.asked) == 1


def test_once_it_is_in_the_store_the_download_is_removed(site: Files, tmp_path: Path) -> None:
    steps._run(task(tmp_path), Stop())
    assert artefact.read(open_store(str(tmp_path / "store")), task(tmp_path).address)
    assert not kept(tmp_path)

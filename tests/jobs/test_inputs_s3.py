"""Inputs on S3: buckets as people have them, with keys that are no paths."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from ernie_core.errors import Denied
from jobs.plan import inputs
from jobs.plan.inputs import Content
from jobs.spec import parser
from jobs.spec.problems import SpecError

Put = Callable[..., None]
LABELS = ["dev.jsonl", "labels.txt", "test.jsonl", "train.jsonl"]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Iterator[Put]:
    """A bucket `lab`, and how to fill it with objects that hold their own key; folders as consoles make them."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="lab")

        def put(*keys: str) -> None:
            for key in keys:
                client.put_object(Bucket="lab", Key=key, Body=b"" if key.endswith("/") else key.encode())

        yield put


def found(*patterns: str) -> Content:
    text = f"version: 1\nname: x\nstore: s\ninputs:\n  a:\n   text: {json.dumps(patterns)}\nsteps: [segment]\n"
    return inputs.resolve(parser.parse(text, "s.yaml"), Path("cache"))["a"]


def names(*patterns: str) -> list[str]:
    return [file.name for file in found(*patterns).files]


def wrong(*patterns: str) -> str:
    with pytest.raises(SpecError) as caught:
        found(*patterns)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path.rpartition(".")[0] or problem.path) in ((6, "inputs.a.text"), (6, "inputs.a"))
    return problem.text


def test_a_folder_of_labels_is_one_as_on_a_disk(put: Put) -> None:
    put("labels/", *(f"labels/{name}" for name in LABELS), "labels-old/x.txt", "labels.txt")
    for pattern in ("s3://lab/labels/", "s3://lab/labels", "s3://lab/labels/*", "s3://lab/labels//*", "s3://lab/l*s/*"):
        assert [name.rpartition("/")[2] for name in names(pattern)] == LABELS
    assert names("s3://lab/labels") == LABELS
    assert [file.url for file in found("s3://lab/labels/t*").files] == [
        "s3://lab/labels/test.jsonl", "s3://lab/labels/train.jsonl",
    ]  # fmt: skip


def test_a_folder_keeps_the_fingerprint_that_it_had(put: Put) -> None:
    put("deep/corpus/a.txt")
    (file,) = found("s3://lab/deep/corpus/").files
    assert (file.name, file.known) == ("a.txt", "corpus/a.txt")
    before = Content("text", (inputs.InputFile("corpus/a.txt", file.url, file.size, file.tag),))
    assert found("s3://lab/deep/corpus").fingerprint == before.fingerprint


def test_a_bucket_is_a_folder(put: Put) -> None:
    put("a.txt", "deep/", "deep/b.txt", "deep/empty/")
    assert names("s3://lab") == names("s3://lab/") == names("s3://lab/**/*.txt") == ["a.txt", "deep/b.txt"]
    assert names("s3://lab/*") == ["a.txt"]
    with pytest.raises(Denied, match="there is no bucket nowhere"):
        found("s3://nowhere")


def test_an_object_and_a_folder_of_one_name_are_both_there(put: Put) -> None:
    put("x", "x/a.txt")
    assert names("s3://lab/x") == ["x", "x/a.txt"]
    assert names("s3://lab/x/") == ["a.txt"]


def test_hidden_objects_are_left_out(put: Put) -> None:
    put("c/a.txt", "c/.ipynb_checkpoints/a.txt", "c/._a.txt", "c/d/.gitkeep")
    for pattern in ("s3://lab/c", "s3://lab/c/*", "s3://lab/c/**/*", "s3://lab/c/**.txt"):
        assert names(pattern) == ["a.txt"]
    assert names("s3://lab/c/.*") == ["._a.txt"]
    put("h/.b.txt")
    assert "only hidden files match" in wrong("s3://lab/h/")
    assert "no file matches" in wrong("s3://lab/nothing/")


def test_brackets_are_a_wildcard_unless_an_object_is_called_so(put: Put) -> None:
    put("corpus[1]/a.txt", "corpus1/b.txt", "b[1].txt", "b1.txt")
    assert (
        names("s3://lab/corpus[1]/a.txt") == names("s3://lab/corpus[1]/*") == names("s3://lab/corpus[1]") == ["a.txt"]
    )
    assert names("s3://lab/corpus[12]/*") == ["corpus1/b.txt"]
    assert names("s3://lab/b[1].txt") == ["b[1].txt"] and names("s3://lab/b[12].txt") == ["b1.txt"]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("c//a.txt", "c//a.txt"),
        ("c/./a.txt", "c/./a.txt"),
        ("c/../a.txt", "c/../a.txt"),
        ("c/a\x01.txt", r"c/a\x01.txt"),
        ("c/a\x7f.txt", r"c/a\x7f.txt"),
        ("c/a\\b.txt", "c/a\\b.txt"),
    ],
)
def test_keys_that_are_no_paths_are_named(put: Put, key: str, shown: str) -> None:
    put(key, "c/good.txt")
    for pattern in ("s3://lab/c", "s3://lab/c/", "s3://lab", "s3://lab/c/*.txt", "s3://lab/**/*.txt"):
        text = wrong(pattern)
        assert f"`s3://lab/{shown}` cannot be read as a file" in text and "rename it" in text
    assert names("s3://lab/c/good.txt") == names("s3://lab/c/g*") == ["good.txt"]


def test_files_of_equal_names_are_told_apart_wherever_they_lie(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("news/a.txt", "wiki/a.txt")
    assert names("s3://lab/news/", "s3://lab/wiki/*") == ["news/a.txt", "wiki/a.txt"]
    assert names("s3://lab/news/", "s3://lab/news/a.txt") == ["a.txt"]
    (tmp_path / "a.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert names("s3://lab/news/*", "s3://lab/wiki/*", "a.txt") == ["a.txt", "news/a.txt", "wiki/a.txt"]
    assert names("s3://lab/news/*", "a.txt") == ["file/a.txt", "s3/a.txt"]

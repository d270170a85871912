"""What is no input, or cannot be read, is said in one line with its place in the spec."""

import os
import socket
from pathlib import Path

import pytest
from found import found, names, put, wrong

from jobs.spec import parser
from jobs.spec.problems import SpecError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a\0b.txt", "contains the control character U+0000"),
        ("~nosuchuser/x", "there is no such user on this machine"),
        ("a.txt/b", "a.txt` is a file, not a folder"),
        ("a.txt/*.txt", "a.txt` is a file, not a folder"),
        ("x" * 300, "is longer than a path can be"),
        ("pipe", "is a named pipe, not a file"),
        ("socket", "is a socket, not a file"),
        ("/dev/zero", "is a device, not a file"),
        ("/", "is the whole machine"),
        ("s3://", "names no bucket"),
        ("s3:///x", "names no bucket"),
        ("s3://my*/x", "`my*` is not the name of a bucket"),
        ("s3://a/../b", "names nothing in a bucket"),
        ("s3a://a/b", "nothing is read from s3a://, use s3://bucket/prefix"),
        ("https://a/b.txt", "nothing is read from https://"),
        ("file://", "names no file"),
        ("sub*", "only folders match `sub*`"),
        ("nothing", "no file matches `nothing`, correct the path"),
    ],
)
def test_what_is_no_input_is_said_with_its_line(pattern: str, said: str, tmp_path: Path) -> None:
    put("a.txt", "sub/b.txt")
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        with pytest.raises(SpecError) as caught:
            found(pattern)
    (problem,) = caught.value.problems
    assert said in problem.text and problem.line in (6, 7) and problem.path.startswith("inputs.a.text")


def test_what_is_neither_file_nor_folder_is_named_within_a_folder_too() -> None:
    put("corpus/a.txt")
    os.mkfifo("corpus/b.txt")
    assert "corpus/b.txt` is a named pipe" in wrong("corpus/*.txt") and "named pipe" in wrong("corpus")


def test_names_that_are_not_utf_8_or_cannot_be_printed_are_shown_safely() -> None:
    put("corpus/a.txt")
    Path("corpus", os.fsdecode("新闻".encode("gbk")) + ".txt").write_text("x")
    for pattern in ("corpus", "corpus/*.txt", "corpus/**/*"):
        text = wrong(pattern)
        text.encode()
        assert r"`\xd0\xc2\xce\xc5.txt`: the name is not UTF-8" in text and "convmv -f gbk" in text
    assert names("corpus/a*") == ["a.txt"]
    Path("deep", os.fsdecode(b"\xff"), "x").mkdir(parents=True)
    Path("deep", os.fsdecode(b"\xff"), "x", "a.txt").write_text("x")
    assert r"`\xff/x/a.txt`: the name is not UTF-8" in wrong("deep")
    put("ctl/a\x1b[2J.txt")
    assert r"`a\x1b[2J.txt`: the name has control characters" in wrong("ctl")


@pytest.mark.parametrize("pattern", ["corpus", "corpus/*/*.txt", "corpus/**/*.txt"])
def test_a_folder_that_cannot_be_read_is_named(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put("corpus/a/a.txt", "corpus/shut/b.txt")
    real = os.scandir

    def scandir(path: Path) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert "corpus/shut` cannot be read (Permission denied)" in wrong(pattern)


def test_many_faults_are_a_few_lines() -> None:
    for i in range(20):
        put(f"corpus/{i}\t.txt")
    with pytest.raises(SpecError) as caught:
        found("corpus")
    assert len(caught.value.problems) == 6 and any("and 15 more" in p.text for p in caught.value.problems)


@pytest.mark.parametrize(
    "store",
    [
        "a\\0b",
        "~nosuchuser/x",
        "s3://",
        "s3://b/../c",
        "gs://b",
        "file://x",
        "a.txt",
        "a.txt/b",
        "/dev/null",
        "x" * 300,
    ],
)
def test_a_store_that_can_be_none_is_said_with_its_line(store: str) -> None:
    put("a.txt")
    with pytest.raises(SpecError) as caught:
        parser.parse(f'version: 1\nname: x\nstore: "{store}"\ninputs: {{a: {{text: t}}}}\nsteps: [segment]\n', "s.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (3, "store")

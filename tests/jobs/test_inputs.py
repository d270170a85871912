"""Which files an input is: every one that is meant, once, by a name of its own."""

import hashlib
from pathlib import Path

import pytest
from found import found, names, put, wrong


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def old_fingerprint(kind: str, *rows: tuple[str, str]) -> str:
    """By the rule of the first version: names below each pattern, sizes and digests."""
    tagged = [f'["{n}",{len(p.encode())},"sha256:{hashlib.sha256(p.encode()).hexdigest()}"]' for n, p in rows]
    return hashlib.sha256(f'["{kind}",[{",".join(tagged)}]]'.encode()).hexdigest()[:16]


def test_files_of_equal_names_are_told_apart_by_the_folders_that_differ() -> None:
    put("news/part-0.txt", "wiki/part-0.txt", "wiki/b.txt")
    assert names("news/*.txt", "wiki/*.txt") == ["news/part-0.txt", "wiki/b.txt", "wiki/part-0.txt"]
    assert names("wiki", "news") == ["news/part-0.txt", "wiki/b.txt", "wiki/part-0.txt"]
    put("deep/news/part-0.txt", "part-0.txt")
    assert names("news/*", "deep/news/part-0.txt", "*.txt") == [
        "deep/news/part-0.txt", "news/part-0.txt", "part-0.txt",
    ]  # fmt: skip


def test_what_tells_files_apart_says_nothing_of_the_machine(tmp_path: Path) -> None:
    prints = set()
    for place in ("here", "somewhere/else"):
        for name in ("a", "b"):
            Path(place, name).mkdir(parents=True)
            Path(place, name, "x.txt").write_text(name)
        prints.add(found("a/*.txt", "b/*.txt", folder=Path(place)).fingerprint)
        prints.add(found(f"{tmp_path}/{place}/a/*.txt", f"{tmp_path}/{place}/b/*.txt").fingerprint)
    assert len(prints) == 1


def test_a_file_that_two_patterns_mean_is_there_once() -> None:
    put("corpus/a.txt", "corpus/sub/b.txt")
    assert names("corpus/*.txt", "corpus/a.txt", "./corpus/../corpus/a*") == ["a.txt"]
    assert names("corpus", "corpus/sub/b.txt") == ["a.txt", "sub/b.txt"]
    Path("current").symlink_to("corpus")
    assert names("corpus/*.txt", "current/*.txt") == ["a.txt"]


def test_fingerprints_are_those_of_the_first_version() -> None:
    put("corpus/a.txt", "corpus/sub/b.txt", "more/c.txt")
    both = ("a.txt", "corpus/a.txt"), ("sub/b.txt", "corpus/sub/b.txt")
    assert found("corpus").fingerprint == old_fingerprint("text", *both)
    assert found("corpus/**/*.txt").fingerprint == old_fingerprint("text", *both)
    assert found("more/*", "corpus/a.txt").fingerprint == old_fingerprint("text", both[0], ("c.txt", "more/c.txt"))
    Path("newest.txt").symlink_to("more/c.txt")
    newest = found("newest.txt")
    assert newest.files[0].name == "newest.txt"
    assert newest.fingerprint == old_fingerprint("text", ("c.txt", "more/c.txt"))


def test_kinds_whose_files_have_fixed_names_need_one_of_each() -> None:
    put("old/train.jsonl", "new/train.jsonl")
    text = wrong("old/*", "new/*", kind="task_data")
    assert "2 files are called `train.jsonl`" in text and "/old/train.jsonl`" in text and "/new/train.jsonl`" in text
    Path("dev.jsonl").symlink_to("old/train.jsonl")
    files = found("new/*", "dev.jsonl", kind="task_data").files
    assert [file.name for file in files] == ["dev.jsonl", "train.jsonl"]


def test_linked_folders_are_parts_of_a_folder() -> None:
    put("corpus/a.txt", "more/b.txt", "more/sub/c.txt")
    Path("corpus/linked").symlink_to("../more")
    assert names("corpus") == names("corpus/**/*.txt") == ["a.txt", "linked/b.txt", "linked/sub/c.txt"]
    assert names("corpus/*/*.txt") == ["linked/b.txt"]
    Path("all").symlink_to("corpus")
    assert names("all") == ["a.txt", "linked/b.txt", "linked/sub/c.txt"]
    put("corpus/2024/d.txt")
    Path("corpus/2025-latest").symlink_to("2024")
    assert names("corpus") == ["2024/d.txt", "a.txt", "linked/b.txt", "linked/sub/c.txt"]


def test_a_link_to_a_folder_around_it_is_no_loop() -> None:
    put("corpus/sub/a.txt", "other/b.txt")
    Path("corpus/sub/back").symlink_to("..")
    assert names("corpus") == ["sub/a.txt"]
    Path("corpus/x").symlink_to("../other")
    Path("other/y").symlink_to("../corpus")
    assert names("corpus") == names("corpus/**/*.txt") == ["sub/a.txt", "x/b.txt"]
    Path("corpus/up").symlink_to("../..")
    assert "corpus/up` is a link to" in wrong("corpus") and "remove it" in wrong("corpus")


def test_links_that_lead_nowhere_are_named() -> None:
    put("corpus/a.txt")
    Path("corpus/gone.txt").symlink_to("nowhere")
    for pattern in ("corpus", "corpus/*.txt", "corpus/gone.txt"):
        assert "corpus/gone.txt` is a link to `nowhere`, which leads nowhere" in wrong(pattern)
    assert names("corpus/a*") == ["a.txt"]
    Path("corpus/gone.txt").unlink()
    Path("corpus/self").symlink_to("self")
    assert "leads nowhere" in wrong("corpus")


HIDDEN = (".DS_Store", "._a.txt", ".ipynb_checkpoints/a-checkpoint.txt", "sub/.gitkeep", "sub/.git/x.txt")


def test_hidden_files_are_meant_only_by_their_dot() -> None:
    put("corpus/a.txt", *(f"corpus/{name}" for name in HIDDEN))
    put("corpus/b.txt.part", "corpus/b.txt.part.ranges")
    for pattern in ("corpus", "corpus/*", "corpus/**/*.txt", "corpus/[!x]*.txt", "corpus/**"):
        assert names(pattern) == ["a.txt"]
    assert names("corpus/.ipynb_checkpoints/*") == ["a-checkpoint.txt"]
    assert names("corpus/.*.txt") == ["._a.txt"]
    assert names("corpus/**/.git/*.txt") == ["sub/.git/x.txt"]
    assert names("corpus/._a.txt") == ["._a.txt"]
    Path("corpus/a.txt").unlink()
    assert "only hidden files match `corpus` (" in wrong("corpus")
    put(".data/a.txt")
    assert names(".data") == names(".data/*.txt") == ["a.txt"]


def test_brackets_are_a_wildcard_unless_something_is_called_so() -> None:
    put("corpus[1]/a.txt", "corpus1/b.txt", "[x]", "x")
    assert names("corpus[1]/a.txt") == names("corpus[1]/*.txt") == names("corpus[1]") == ["a.txt"]
    assert names("corpus[12]/*.txt") == ["corpus1/b.txt"] and names("[[]x]") == ["[x]"]
    assert names("[x]") == ["[x]"] and names("[^1y]") == ["x"]
    assert "is no pattern" in wrong("corpus[z-a]/*")


def test_a_folder_may_end_with_a_slash_and_a_url_have_percent_signs(tmp_path: Path) -> None:
    put("my corpus/新闻.txt", "100%25/a.txt")
    assert names("my corpus/") == ["新闻.txt"]
    assert names(f"file://{tmp_path}/my%20corpus/%E6%96%B0*") == names(f"file://localhost{tmp_path}/my%20corpus/")
    assert names(f"file://{tmp_path}/100%25") == ["a.txt"]
    put("100%/b.txt")
    assert names(f"file://{tmp_path}/100%") == ["b.txt"]

"""Data by name, in the forms in which they are published: read, split and known by their published names."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from published import server
from published_models import md5, newspaper, tar

from ernie_core.catalogue import datasets, entries
from ernie_core.catalogue.entries import Entry
from ernie_core.catalogue.fetch import Source
from ernie_core.datasets import dataset


def made(entry: Entry, content: dict[str, bytes], folder: Path, **more: object) -> Path:
    """Examples of an entry whose archive has this content."""
    body = tar(content)
    with server(archive=body) as site:
        members = tuple(replace(m, md5=md5(content[m.path])) for m in entry.files[0].members)
        own = replace(entry.files[0], url=f"{site.url}/archive", md5=md5(body), members=members)
        source = Source(folder / "cache", tell=lambda _: None)
        datasets.bring(replace(entry, files=(own,)), folder / "files", source)
    out = folder / "out"
    out.mkdir()
    dataset.make(folder / "files", out, **datasets.reading(entry), say=lambda _: None, **more)  # type: ignore[arg-type]
    return out


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_people_s_daily_comes_in_the_form_of_msra_and_keeps_its_name(tmp_path: Path) -> None:
    content = {f"peoples_daily_ner/{split}.tsv": newspaper(rows) for split, rows in
               (("train", 20), ("dev", 5), ("test", 4))}  # fmt: skip
    out = made(entries.find("peoples_daily_ner", "datasets"), content, tmp_path)
    assert json.loads((out / "task.json").read_text())["dataset"] == "peoples_daily_ner"
    assert [len(lines(out / f"{split}.jsonl")) for split in ("train", "dev", "test")] == [20, 5, 4]
    assert lines(out / "dev.jsonl")[0]["tokens"] == list("张三去北京看0")


def test_chnsenticorp_v2_has_no_header_and_its_text_first(tmp_path: Path) -> None:
    content = {f"chnsenticorp/{split}/part.0": "".join(f"很好{split}{i}\t{i % 2}\n" for i in range(rows)).encode()
               for split, rows in (("train", 10), ("dev", 4), ("test", 4))}  # fmt: skip
    out = made(entries.find("chnsenticorp_v2", "datasets"), content, tmp_path)
    assert json.loads((out / "task.json").read_text())["dataset"] == "chnsenticorp"
    assert [len(lines(out / f"{split}.jsonl")) for split in ("train", "dev", "test")] == [10, 4, 4]
    assert (out / "labels.txt").read_text() == "0\n1\n"


def test_msra_has_no_dev_so_that_one_is_cut(tmp_path: Path) -> None:
    content = {f"msra_ner/{split}.tsv": newspaper(rows).partition(b"\n")[2] for split, rows in
               (("train", 300), ("test", 4))}  # fmt: skip
    out = made(entries.find("msra_ner", "datasets"), content, tmp_path, dev=0.1)
    assert json.loads((out / "task.json").read_text())["dataset"] == "msra_ner"
    assert len(lines(out / "train.jsonl")) + len(lines(out / "dev.jsonl")) == 300


def test_xnli_in_chinese_is_read(tmp_path: Path) -> None:
    row = "甲{0}\t乙{0}\tcontradictory\n甲{0}\t丙{0}\tentailment\n甲{0}\t丁{0}\tneutral\n"
    content = {f"xnli_cn/{split}/part-0": ("text_a\ttext_b\tlabel\n" + row.format(split)).encode()
               for split in ("train", "dev", "test")}  # fmt: skip
    out = made(entries.find("xnli_cn", "datasets"), content, tmp_path)
    assert json.loads((out / "task.json").read_text())["dataset"] == "xnli_cn"
    assert len(lines(out / "train.jsonl")) == 3


@pytest.mark.parametrize("name", ["clue/afqmc", "clue/ocnli", "dureader_robust"])
def test_splits_are_found_by_the_names_that_files_get(name: str) -> None:
    from ernie_core.datasets import choosing

    entry = entries.find(name, "datasets")
    files = {member.name: Path(member.name) for member in entry.files[0].members}
    form = choosing.load(entry.facts["format"])()
    assert {"train", "dev"} <= set(form.splits(files))

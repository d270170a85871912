"""XNLI in many languages: published forms, what train is made of, cuts that no translation crosses, what is missing."""

from pathlib import Path
from typing import Any

import pytest
import real_data
from labelled import Made, lines, write

from ernie_core.datasets import choosing
from ernie_core.datasets.columns import Columns
from ernie_core.datasets.known import LANGUAGES
from ernie_core.datasets.names import in_language, language_of, without_language
from ernie_core.errors import BadInput
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.sequence_classification import SequenceClassification

LABELS = ("neutral", "contradiction", "entailment")
ROWS = tuple((f"premise {i // 3}", f"hypothesis {i}", LABELS[i % 3]) for i in range(60))


def of_language(language: str, rows: tuple[tuple[str, ...], ...] = ROWS, header: str = "") -> str:
    """A TSV of translations, which a word of their language stands before."""
    return header + "".join(f"{language} {first}\t{language} {second}\t{label}\n" for first, second, label in rows)


def files(name: str, languages: tuple[str, ...] = LANGUAGES, **more: Any) -> dict[str, str | bytes]:
    return {name.format(language): of_language(language, **more) for language in languages}


def published(split: str) -> str:
    """A file of XNLI-1.0, which has all languages, one after the other, and more columns."""
    rows = "".join(
        f"{language}\t{label}\t(x)\t{language} {first}\t{language} {second}\t{i // 3 + 1}\t{i + 1}\tface\n"
        for language in LANGUAGES
        for i, (first, second, label) in enumerate(ROWS[:9])
    )
    return f"language\tgold_label\tsentence1_parse\tsentence1\tsentence2\tpromptID\tpairID\tgenre\n{rows}"


def languages_of(made: Made, split: str) -> list[str]:
    """The languages of a split in their order, each once."""
    return list(dict.fromkeys(row["language"] for row in made.rows(split)))


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """The folder that XNLI-1.0 and XNLI-MT-1.0 unpack to."""
    train = files("XNLI-MT-1.0/multinli/multinli.train.{}.tsv", header="premise\thypo\tlabel\n")
    train = {name: str(text).replace("contradiction", "contradictory") for name, text in train.items()}
    evaluated = {f"XNLI-1.0/xnli.{split}.tsv": published(split) for split in ("dev", "test")}
    return write(tmp_path / "raw", {**train, **evaluated})


def test_transfer_trains_on_english_and_evaluates_all_languages(upstream: Path) -> None:
    made = Made(upstream, mode="cross-lingual-transfer")
    assert languages_of(made, "train") == ["en"]
    assert languages_of(made, "dev") == languages_of(made, "test") == list(LANGUAGES)
    assert made.scores["train"] == 60 and made.scores["dev"] == 15 * 9
    assert made.labels() == ["entailment", "neutral", "contradiction"]
    first = {"text": "en premise 0", "text_pair": "en hypothesis 0", "label": "neutral", "language": "en"}
    assert made.rows("train")[0] == {"id": "en-2", **first}
    assert made.rows("train")[1]["label"] == "contradiction"
    assert made.rows("dev")[4 * 9] == {"id": "en-1", **first}
    said = made.read("task.json")
    assert (said["dataset"], said["mode"], said["deciding_languages"]) == ("xnli", "cross-lingual-transfer", ["en"])
    assert len(made.read("report.json")["unused_files"]) == 14


def test_translate_train_all_trains_on_fifteen_sets_one_after_the_other(upstream: Path) -> None:
    made = Made(upstream, mode="translate-train-all")
    assert [row["language"] for row in made.rows("train")] == [name for name in LANGUAGES for _ in ROWS]
    assert made.read("task.json")["deciding_languages"] == list(LANGUAGES)
    assert made.read("report.json")["splits"]["train"]["languages"] == dict.fromkeys(LANGUAGES, 60)


def test_a_fine_tuning_reads_what_was_made(upstream: Path) -> None:
    made = Made(upstream, mode="cross-lingual-transfer", languages=("en", "sw"))
    task = SequenceClassification.of_data(made.folder, FinetuneRecipe())
    assert [example.language for example in task.read(made.folder, "dev")] == ["en"] * 9 + ["sw"] * 9


HF = [{"premise": "p", "hypothesis": f"h {i}", "label": i} for i in range(3)]
ALL_IN_A_ROW = [
    {"premise": {"en": "p", "sw": "s"}, "hypothesis": {"language": ["en", "sw"], "translation": [f"h {i}", f"g {i}"]},
     "label": i}
    for i in range(3)
]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        {f"{split}-{language}.jsonl": lines(*HF) for split in ("train", "dev") for language in ("en", "sw")},
        {f"{language}/{split}.jsonl": lines(*HF) for split in ("train", "dev") for language in ("en", "sw")},
        {f"{split}.jsonl": lines(*ALL_IN_A_ROW) for split in ("train", "dev")},
        {f"{split}.jsonl": lines(*({**row, "language": of} for of in ("en", "sw") for row in HF))
         for split in ("train", "dev")},
    ],
    ids=["file for a language", "folder for a language", "all languages in a row", "key of the language"],
)  # fmt: skip
def test_forms_of_json_are_recognised(tmp_path: Path, content: dict[str, str | bytes]) -> None:
    made = Made(write(tmp_path / "raw", content), mode="cross-lingual-transfer", languages=("sw", "en"))
    assert made.read("report.json")["format"] == "xnli"
    assert [(row["id"], row["label"]) for row in made.rows("train")] == [
        ("en-1", "entailment"), ("en-2", "neutral"), ("en-3", "contradiction"),
    ]  # fmt: skip
    assert languages_of(made, "dev") == ["en", "sw"]


def test_translations_and_rows_of_one_premise_are_cut_together(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", files("dev-{}.tsv", ("en", "sw", "zh")))
    made = Made(raw, files={"train": ["dev-*.tsv"]}, mode="translate-train-all", languages=("en", "sw", "zh"),
                dev=0.3, test=0.3)  # fmt: skip
    where: dict[int, set[str]] = {}
    for split in ("train", "dev", "test"):
        rows = made.rows(split)
        assert {language: sum(row["language"] == language for row in rows) for language in ("en", "sw", "zh")} == (
            dict.fromkeys(("en", "sw", "zh"), len(rows) // 3)
        )
        for row in rows:
            where.setdefault((int(row["id"].split("-")[1]) - 1) // 3, set()).add(split)
    assert len(where) == 20 and all(len(splits) == 1 for splits in where.values())


def test_files_of_another_name_have_rows_of_their_own(tmp_path: Path) -> None:
    more = "".join(f"other {i}\tmore {i}\t{LABELS[(i + 1) % 3]}\n" for i in range(60))
    raw = write(tmp_path / "raw", files("dev-{}.tsv", ("en", "sw")) | {"sick-en.tsv": more})
    settings: dict[str, Any] = {"files": {"train": ["*.tsv"]}, "languages": ("en", "sw"), "dev": 0.3}
    made = Made(raw, mode="cross-lingual-transfer", **settings)
    cut = [sum(row["text"].startswith("other") for row in made.rows(split)) for split in ("train", "dev")]
    assert sum(cut) == 60 and min(cut) > 0, "rows of equal number that are no translations are cut by themselves"


def test_a_sample_has_the_same_rows_of_every_language(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", files("train-{}.tsv", ("en", "sw")) | files("dev-{}.tsv", ("en", "sw")))
    made = Made(raw, mode="translate-train-all", languages=("en", "sw"), max_examples=11)
    rows = [row["id"].split("-") for row in made.rows("dev")]
    assert [number for language, number in rows if language == "en"] == [n for of, n in rows if of == "sw"]
    assert len(rows) == 10


def test_a_missing_language_is_named_with_the_file_that_was_looked_for(tmp_path: Path) -> None:
    there = tuple(language for language in LANGUAGES if language not in ("sw", "ur"))
    raw = write(tmp_path / "raw", files("train-{}.tsv", ("en",)) | files("dev-{}.tsv", there))
    with pytest.raises(BadInput, match=r"^dev has no sw, ur: looked for a file such as dev-sw.tsv, there are: dev-ar"):
        Made(raw, mode="cross-lingual-transfer")
    assert Made(raw, mode="cross-lingual-transfer", languages=there).scores["dev"] == 13 * 60
    with pytest.raises(BadInput, match=r"^train has no ar, bg, .*: looked for a file such as train-ar.tsv"):
        Made(raw, mode="translate-train-all", languages=there)


def test_a_language_without_rows_in_the_file_of_all_is_named(upstream: Path) -> None:
    dev = upstream / "XNLI-1.0/xnli.dev.tsv"
    dev.write_text("".join(line for line in published("dev").splitlines(keepends=True) if not line.startswith("th\t")))
    with pytest.raises(BadInput, match=r"^dev has no th: looked for rows of it, there are: XNLI-1.0/xnli.dev.tsv"):
        Made(upstream, mode="cross-lingual-transfer")


def test_files_that_are_not_translations_of_each_other_are_not_cut(tmp_path: Path) -> None:
    shifted = of_language("sw", rows=(*ROWS[1:], ROWS[0]))
    raw = write(tmp_path / "raw", files("dev-{}.tsv", ("en",)) | {"dev-sw.tsv": shifted})
    with pytest.raises(BadInput, match=r"row sw-1 has the label contradiction, row en-1 has neutral"):
        Made(raw, files={"train": ["dev-*"]}, mode="translate-train-all", languages=("en", "sw"), dev=0.3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "say what to train on, `mode: cross-lingual-transfer` or translate-train-all"),
        ({"mode": "transfer"}, "mode `transfer` is not known"),
        ({"mode": "translate-train-all", "languages": ("en", "xx")}, "languages: `xx` is none of ar, bg"),
        ({"mode": "cross-lingual-transfer", "languages": ("sw", "zh")}, "trains on en, add it"),
    ],
)
def test_what_to_train_on_must_be_said(upstream: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Made(upstream, **settings)


def test_data_that_do_not_say_their_language_have_no_mode(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", {"train.csv": "text,label\na,x\nb,y\n", "dev.csv": "text,label\na,x\n"})
    with pytest.raises(BadInput, match="mode: data of format csv do not say their language: leave it out"):
        Made(raw, mode="translate-train-all")


@pytest.mark.parametrize(
    ("name", "row", "why"),
    [
        ("dev-en.tsv", "a\tb\n", "2 column(s) instead of 3, separated by tabs"),
        ("dev-en.tsv", "a\tb\t-\n", 'label "-" is unknown'),
        ("dev-en.tsv", "a\t\tneutral\n", "a text of the pair is empty"),
        ("dev-en.jsonl", lines({"premise": "a", "label": 0}), "no `hypothesis`"),
        ("dev-en.jsonl", lines({"premise": "a", "hypothesis": "b", "label": 3}), "label 3 is unknown"),
        ("dev.jsonl", lines({"premise": "a", "hypothesis": "b", "label": 1, "language": "xx"}), 'language "xx" is'),
        ("dev.jsonl", lines({"premise": {"en": "a"}, "hypothesis": {"language": ["en"]}, "label": 1}), "must have the"),
        ("dev.jsonl", lines({"premise": {"en": "a"}, "hypothesis": {"language": [], "translation": []}, "label": 1}),
         "`hypothesis` is null, it must be a string"),
    ],
)  # fmt: skip
def test_a_damaged_row_says_what_is_wrong_with_it(tmp_path: Path, name: str, row: str, why: str) -> None:
    path = write(tmp_path / "in", {name: row}) / name
    (found,) = choosing.load("xnli").of(Columns()).rows(path, "dev")
    assert why in found.why  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "language"),
    [("dev-ar.tsv", "ar"), ("x/multinli.train.zh.tsv", "zh"), ("en/train.jsonl", "en"), ("xnli.dev.tsv", ""),
     ("dev.tsv", ""), ("german-dev.tsv", ""), ("de/raw/train.tsv", ""), ("Dev-EN.tsv", "en"), ("en/dev-en.tsv", "en"),
     ("xnli.test.ar.en.tsv", ""), ("en/test.ar.en.tsv", ""), ("en-de/test.tsv", "")],
)  # fmt: skip
def test_the_language_is_a_word_of_the_name_or_of_the_folder(name: str, language: str) -> None:
    assert language_of(name) == language


@pytest.mark.parametrize(
    ("name", "other"),
    [("dev-ar.tsv", "dev-sw.tsv"), ("de/env.tsv", "sw/env.tsv"), ("en/sentences.tsv", "sw/sentences.tsv"),
     ("Dev-EN.tsv", "Dev-sw.tsv"), ("en/train-en.tsv", "sw/train-sw.tsv"), ("xnli.dev.tsv", "xnli.dev.tsv")],
)  # fmt: skip
def test_the_name_in_another_language_differs_by_that_word_alone(name: str, other: str) -> None:
    assert in_language(name, "sw") == other
    assert without_language(name) == without_language(other)


@pytest.mark.parametrize("other", ["b/train-sw.tsv", "a/train-2-sw.tsv", "a/train-sw.jsonl", "a/训练-sw.tsv"])
def test_files_that_differ_by_more_than_their_language_are_no_translations(other: str) -> None:
    assert without_language("a/train-en.tsv") != without_language(other)


def test_a_translation_back_into_english_is_not_the_english_test(upstream: Path) -> None:
    back = files("XNLI-MT-1.0/xnli/xnli.test.{}.en.tsv", ("ar", "sw"), header="premise\thypo\tlabel\n")
    made = Made(write(upstream, back), mode="cross-lingual-transfer")
    assert made.scores["test"] == 15 * 9
    assert set(back) <= set(made.read("report.json")["unused_files"])
    said = f"not used, since the name says several languages: {', '.join(sorted(back))}"
    assert said in made.log
    with pytest.raises(BadInput, match=r"xnli.test.ar.en.tsv: the name says 2 languages, ar, en: call it train-en.tsv"):
        Made(upstream, mode="translate-train-all", format="xnli", files={"train": ["*train.*"], "dev": ["*ar.en.tsv"]})


def test_a_file_of_all_languages_may_have_several_in_its_name(tmp_path: Path) -> None:
    rows = lines(*({**row, "language": of} for of in ("en", "sw") for row in HF))
    raw = write(tmp_path / "raw", {f"xnli-en-sw.{split}.jsonl": rows for split in ("train", "dev")})
    made = Made(raw, mode="translate-train-all", languages=("en", "sw"))
    assert (made.scores["train"], made.scores["dev"]) == (6, 6)


def as_objects(tsv: str) -> str:
    """The JSON lines that XNLI-1.0 has beside a TSV."""
    header, *rows = (line.split("\t") for line in tsv.splitlines())
    return lines(*(dict(zip(header, row, strict=True)) for row in rows))


def test_json_lines_beside_a_tsv_of_the_same_rows_are_not_read_again(upstream: Path) -> None:
    beside = {f"XNLI-1.0/xnli.{split}.jsonl": as_objects(published(split)) for split in ("dev", "test")}
    made = Made(write(upstream, beside), mode="cross-lingual-transfer")
    assert made.scores["dev"] == made.scores["test"] == 15 * 9 and made.scores["rejected"] == 0
    assert set(beside) <= set(made.read("report.json")["unused_files"])


def test_the_published_json_lines_are_the_published_tsv(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", {"multinli.train.en.tsv": of_language("en"), "xnli.dev.tsv": published("dev")})
    from_tsv = Made(raw, mode="cross-lingual-transfer").rows("dev")
    (raw / "xnli.dev.tsv").unlink()
    write(raw, {"xnli.dev.jsonl": as_objects(published("dev"))})
    made = Made(raw, mode="cross-lingual-transfer")
    assert (made.rows("dev"), made.read("report.json")["format"]) == (from_tsv, "xnli")


@pytest.mark.parametrize("header", ["premise\thypo\n", "Premise\tHypothesis\n", "sentence1\tsentence2\n"])
@pytest.mark.parametrize("form", ["xnli", "xnli_cn"])
def test_the_header_of_a_test_without_labels_is_no_example(tmp_path: Path, form: str, header: str) -> None:
    path = write(tmp_path / "in", {"test-en.tsv": f"{header}a\tb\npremise\thypo\n"}) / "test-en.tsv"
    found = list(choosing.load(form).of(Columns()).rows(path, "test"))
    assert [row.values["text"] for row in found] == ["a", "premise"]  # type: ignore[union-attr]


def several_sets(tmp_path: Path) -> Path:
    """Two sets of rows in both languages, each in a folder of its own."""
    labels = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
    other = tuple((f"more {first}", f"more {second}", labels[label]) for first, second, label in ROWS)
    content = files("a/train-{}.tsv", ("en", "sw")) | files("b/train-{}.tsv", ("en", "sw"), rows=other)
    return write(tmp_path / "raw", content)


def test_sets_in_folders_of_their_own_are_cut_by_themselves(tmp_path: Path) -> None:
    made = Made(several_sets(tmp_path), mode="translate-train-all", languages=("en", "sw"), dev=0.3)
    where: dict[tuple[str, str], set[str]] = {}
    for split in ("train", "dev"):
        for row in made.rows(split):
            where.setdefault((row["id"][0], row["id"].rpartition("-")[2]), set()).add(split)
    assert len(where) == 120 and all(len(splits) == 1 for splits in where.values())
    apart = [number for of, number in where if of == "a" and where["a", number] != where["b", number]]
    assert apart, "what is train of one set may be dev of the other"


def test_ids_of_several_files_of_a_language_begin_with_the_file(tmp_path: Path) -> None:
    made = Made(several_sets(tmp_path), mode="cross-lingual-transfer", languages=("en", "sw"), dev=0.3)
    ids = [row["id"] for split in ("train", "dev") for row in made.rows(split)]
    assert len(ids) == len(set(ids)) and {"a/train-en.tsv:en-1", "b/train-en.tsv:en-1"} <= set(ids)


@pytest.mark.parametrize("mode", ["cross-lingual-transfer", "translate-train-all"])
def test_the_published_validation_set_is_cut_by_premise_in_all_languages(tmp_path: Path, mode: str) -> None:
    raw = tmp_path / "raw"
    raw.symlink_to(real_data.folder("xnli_dev"))
    made = Made(raw, files={"train": ["dev-*.tsv"]}, mode=mode, dev=0.2, test=0.2)
    sizes = {split: made.scores[split] for split in ("train", "dev", "test")}
    languages = 1 if mode == "cross-lingual-transfer" else 15
    assert sizes["train"] / languages + sizes["dev"] / 15 + sizes["test"] / 15 == 2490
    numbers = [{row["id"].split("-")[1] for row in made.rows(split)} for split in sizes]
    assert sum(map(len, numbers)) == 2490
    premises = [{row["text"] for row in made.rows(split)} for split in sizes]
    assert not (premises[0] & premises[1] or premises[0] & premises[2] or premises[1] & premises[2])
    assert made.scores["rejected"] == made.scores["in_both"] == made.scores["related"] == 0

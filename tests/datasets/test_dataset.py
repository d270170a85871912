"""From files to labelled examples: splits, labels, what is rejected, what stands in two splits, what is said."""

from pathlib import Path
from typing import Any

import pytest
from labelled import Made, lines, write

from ernie_core.datasets import dataset
from ernie_core.datasets.columns import Columns
from ernie_core.errors import BadInput, Stopped
from ernie_core.tasks import data
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.sequence_classification import SequenceClassification

CSV = "text,label\n" + "".join(f"text {i},{'good' if i % 3 else 'bad'}\n" for i in range(200))


def raw(tmp_path: Path, **files: str | bytes) -> Path:
    return write(tmp_path / "raw", {name.replace("_", "."): content for name, content in files.items()})


def test_a_table_of_your_own_becomes_data_that_a_fine_tuning_reads(tmp_path: Path) -> None:
    made = Made(raw(tmp_path, reviews_csv=CSV), dev=0.1, test=0.1)
    assert made.labels() == ["bad", "good"]
    assert sum(made.scores[split] for split in ("train", "dev", "test")) == 200
    assert made.rows()[0] == {"id": "reviews.csv:2", "text": "text 0", "label": "bad"}
    assert data.read(made.folder) == data.DataFacts("sequence_classification", "")
    task = SequenceClassification.of_data(made.folder, FinetuneRecipe())
    assert [len(task.read(made.folder, split)) for split in ("train", "dev", "test")] == [
        made.scores[split] for split in ("train", "dev", "test")
    ]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = raw(tmp_path, reviews_csv=CSV)
    settings: dict[str, Any] = {"dev": 0.1, "test": 0.1, "max_examples": 50}
    assert Made(folder, **settings).files() == Made(folder, **settings).files()


def test_rows_in_another_order_are_in_the_same_splits(tmp_path: Path) -> None:
    head, *rows = CSV.splitlines(keepends=True)
    settings: dict[str, Any] = {"dev": 0.2, "test": 0.2, "max_examples": 30}
    one = Made(write(tmp_path / "a", {"a.csv": CSV}), **settings)
    two = Made(write(tmp_path / "b", {"a.csv": head + "".join(reversed(rows))}), **settings)
    for split in ("train", "dev", "test"):
        assert {row["text"] for row in one.rows(split)} == {row["text"] for row in two.rows(split)}


def test_files_that_are_split_already_stay_so(tmp_path: Path) -> None:
    made = Made(raw(tmp_path, train_csv=CSV, dev_csv="text,label\nx,good\n", test_csv="text\ny\n"))
    assert [row["text"] for row in made.rows("dev")] == ["x"]
    assert made.rows("test") == [{"id": "test.csv:2", "text": "y"}], "a test may be without labels"
    assert made.log[0] == "format csv (recognised); train: train.csv; dev: dev.csv; test: test.csv"


def test_files_with_other_names_are_named(tmp_path: Path) -> None:
    folder = raw(tmp_path, a1_csv=CSV, a2_csv=CSV.replace("text ", "more "), b_csv="text,label\nx,good\n")
    made = Made(folder, files={"train": ["a*.csv"], "dev": ["b.csv"]})
    assert (made.scores["train"], made.scores["dev"]) == (400, 1)
    with pytest.raises(BadInput, match=r"dev_files `c.csv` matches no file, there are: a1.csv, a2.csv, b.csv"):
        Made(folder, files={"train": ["a*.csv"], "dev": ["c.csv"]})
    with pytest.raises(BadInput, match=r"b.csv is in train_files and dev_files: name it once"):
        Made(folder, files={"train": ["*.csv"], "dev": ["b.csv"]})


def test_rows_of_one_group_stay_together(tmp_path: Path) -> None:
    rows = [{"text": f"{i}", "label": "ab"[i % 2], "user": i // 10} for i in range(500)]
    made = Made(raw(tmp_path, a_jsonl=lines(*rows)), dev=0.3, columns=Columns(split_by="user"))
    users = [{int(row["text"]) // 10 for row in made.rows(split)} for split in ("train", "dev")]
    assert all(users) and not users[0] & users[1]


def test_what_stands_in_two_splits_is_counted_said_and_removed_if_asked(tmp_path: Path) -> None:
    train = "text,label\na,x\na,x\nb,y\nc,x\nc,y\nd,x\n"
    folder = raw(tmp_path, train_csv=train, dev_csv="text,label\nb,y\ne,x\n")
    made = Made(folder)
    assert {name: made.scores[name] for name in ("repeated", "in_both", "contradicting")} == {
        "repeated": 2, "in_both": 1, "contradicting": 2,
    }  # fmt: skip
    assert any("1 of 2 examples of dev are also in train" in text and "remove: [in_both]" in text for text in made.log)
    assert any("2 examples of train are there with another label, too" in text for text in made.log)
    made = Made(folder, remove=["in_both", "repeated", "contradicting"])
    assert [row["text"] for row in made.rows()] == ["a", "d"]
    assert [row["text"] for row in made.rows("dev")] == ["b", "e"], "dev is never touched"
    assert made.read("report.json")["removed"] == {"repeated": 1, "in_both": 1, "contradicting": 2}


def test_what_stands_in_two_splits_is_counted_before_few_examples_are_chosen(tmp_path: Path) -> None:
    made = Made(raw(tmp_path, train_csv=CSV, dev_csv=CSV), max_examples=7)
    assert any("200 of 200 examples of dev are also in train" in text for text in made.log)


def test_bad_rows_are_listed_and_too_many_refused(tmp_path: Path) -> None:
    folder = raw(tmp_path, a_csv=CSV + "only one column\n,good\nfine,\n")
    with pytest.raises(BadInput) as error:
        Made(folder, dev=0.1)
    assert str(error.value).splitlines() == [
        "3 of 203 rows cannot be used, more than max_rejected 0: correct the files, or raise max_rejected. The first:",
        "  a.csv:202: 1 column(s) instead of 2",
        "  a.csv:203: the text is empty",
        "  a.csv:204: no label",
    ]
    made = Made(folder, dev=0.1, max_rejected=0.02)
    assert made.scores["rejected"] == 3
    assert made.listed("rejected.jsonl")[0] == {
        "file": "a.csv", "line": 202, "why": "1 column(s) instead of 2", "begins": "only one column",
    }  # fmt: skip
    assert "rejected: a.csv:203: the text is empty" in made.log


@pytest.mark.parametrize(
    ("files", "settings", "said"),
    [
        ({"a.csv": CSV}, {}, "no dev split in a.csv: cut one from train with `dev: 10%`"),
        ({"train.csv": CSV, "dev.csv": CSV}, {"dev": 0.1}, r"dev 0.1: the data have a dev split \(dev.csv\): leave"),
        ({"dev.csv": CSV, "test.csv": CSV}, {}, r"no file of train \(dev: dev.csv, test: test.csv\): say which it is"),
        ({"a.csv": CSV}, {"dev": 0.5, "test": 0.5}, "leave nothing to train"),
        ({"a.csv": "text,label\nx,y\n"}, {"dev": 0.0001}, "dev 0.0001 of train has no examples"),
        ({"train.csv": CSV, "dev.csv": "text,label\n"}, {}, "dev has no examples: correct its files, or name"),
        ({"a.csv": CSV}, {"dev": 0.1, "remove": ["repeats"]}, "remove `repeats`: did you mean `repeated`"),
        ({"a.csv": CSV}, {"format": "cvs"}, "format `cvs` is not known, did you mean `csv`"),
        ({"a.csv": "x,y\n1,2\n"}, {"dev": 0.1}, "(?s)the format is not recognised: say it with .*clue/tnews: "),
        ({"a.csv": CSV}, {"columns": Columns(text="review"), "dev": 0.1},
         r"a.csv:1: no column `review` for text, the header is text, label: choose from: label, text; say it as"),
        ({"a.csv": CSV, "b.jsonl": "{}"}, {"columns": Columns(text="text")}, "files of csv and jsonl: say it with"),
        ({"a.md": CSV}, {"columns": Columns(text="text")}, "no csv, tsv or jsonl file"),
        ({"train.csv": CSV, "dev.csv": "text,label\nx,goood\n"}, {},
         r"dev has labels that no example of train has: goood \(1\): correct them"),
        ({"a.csv": CSV}, {"dev": 0.1, "columns": Columns(labels=("good", "evil"))},
         "label \"bad\" is unknown, it must be one of good, evil"),
        ({"a.csv": CSV.replace("bad", "good")}, {"dev": 0.1}, "all examples have the label `good`, at least two"),
        ({"train.csv": CSV, "dev.csv": CSV, "test.csv": "text,label\nx,good\ny,\n"}, {},
         "1 of 2 rows of test have no label: give all of them, or none"),
        ({"a.csv": CSV}, {"dev": 0.1, "format": "clue/tnews", "columns": Columns(text="a")},
         "text: the columns of clue/tnews are known"),
    ],
)  # fmt: skip
def test_what_a_person_can_correct_is_said_with_the_remedy(
    tmp_path: Path, files: dict[str, str | bytes], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        Made(write(tmp_path / "raw", files), **settings)


def test_two_formats_that_match_are_both_named(tmp_path: Path) -> None:
    row = {"text": "a_b", "label": "true", "target": {"span1_text": "a"}, "abst": "x", "keyword": []}
    with pytest.raises(BadInput, match="this may be clue/cluewsc2020 or clue/csl: say it with `format:`, one of them"):
        Made(raw(tmp_path, train_json=lines(row)))


def test_labels_that_are_numbers_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    rows = [{"text": f"t{i}", "label": i % 12} for i in range(240)]
    assert Made(raw(tmp_path, a_jsonl=lines(*rows)), dev=0.1).labels() == [str(i) for i in range(12)]


def test_labels_of_your_own_keep_the_order_that_you_give(tmp_path: Path) -> None:
    made = Made(raw(tmp_path, a_csv=CSV), dev=0.1, columns=Columns(labels=("good", "bad", "unsure")))
    assert made.labels() == ["good", "bad", "unsure"]
    assert "warning: no example of train has the labels unsure" in made.log


def test_no_more_than_the_wanted_examples(tmp_path: Path) -> None:
    made = Made(raw(tmp_path, a_csv=CSV), dev=0.3, max_examples=7)
    assert (made.scores["train"], made.scores["dev"]) == (7, 7)


def test_ids_of_test_that_repeat_are_said(tmp_path: Path) -> None:
    test = "id,text\n1,a\n2,b\n1,c\n"
    made = Made(raw(tmp_path, train_csv=CSV, dev_csv=CSV, test_csv=test))
    assert any(text.endswith('more than once, so predictions cannot be told apart: "1"') for text in made.log)


def test_it_stops_when_asked(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="it will start from the beginning"):
        Made(raw(tmp_path, a_csv=CSV), dev=0.1, stop=lambda: True)


def test_one_file_is_read_without_a_folder(tmp_path: Path) -> None:
    folder = raw(tmp_path, dev_csv=CSV)
    (tmp_path / "out").mkdir()
    assert dataset.make(folder / "dev.csv", tmp_path / "out", dev=0.1)["train"] > 150


def test_the_example_of_a_format_in_the_documentation_works(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    space: dict[str, Any] = {}
    exec(
        "from collections.abc import Iterator, Mapping\nfrom itertools import islice\nfrom pathlib import Path\n"
        "from typing import ClassVar\nfrom ernie_core.datasets import names\n"
        "from ernie_core.datasets.format import Example, Rejected\n"
        "from ernie_core.datasets.formats.pairs import Classification\n"
        f"from ernie_core.datasets.source import columns, first_lines\n{code}",
        space,
    )
    files = {"train.tsv": raw(tmp_path, train_tsv="text_a\ttext_b\tlabel\na\tb\t1\na\tb\t2\n") / "train.tsv"}
    form = space["Lcqmc"]
    assert form.recognises(files)
    good, bad = form().rows(files["train.tsv"], "train")
    assert good.values == {"text": "a", "text_pair": "b", "label": "1"}
    assert bad.why == 'label "2" is unknown, it must be one of 0, 1'

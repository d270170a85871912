"""Published data of classification: recognised, converted, and damaged copies said row by row."""

from pathlib import Path
from typing import Any

import pytest
from labelled import Made, lines, write

from ernie_core.datasets import choosing
from ernie_core.datasets.columns import Columns
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.known import FORMATS, TABLES
from ernie_core.errors import BadInput

WSC = {
    "text": "小明让他的哥哥等他。", "label": "true", "idx": 3,
    "target": {"span1_text": "小明", "span1_index": 0, "span2_text": "他", "span2_index": 8},
}  # fmt: skip
SICK = "pair_ID\tsentence_A\tsentence_B\tentailment_label\tSemEval_set\r\n" + "".join(
    f"{i}\ta {i}\tb\t{label}\t{part}\r\n"
    for i, (label, part) in enumerate([("NEUTRAL", "TRAIN"), ("ENTAILMENT", "TRIAL"), ("CONTRADICTION", "TEST")])
)

SMALL: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chnsenticorp": ("train.tsv", "label\ttext_a\n1\t很好\n", {"id": "train.tsv:2", "text": "很好", "label": "1"}),
    "clue/afqmc": (
        "train.json", lines({"sentence1": "花呗", "sentence2": "借呗", "label": "0"}),
        {"id": "train.json:1", "text": "花呗", "text_pair": "借呗", "label": "0"},
    ),
    "clue/cluewsc2020": ("train.json", lines(WSC), {"id": 3, "text": "_小明_让他的哥哥等[他]。", "label": "true"}),
    "clue/cmnli": (
        "train.json", lines({"sentence1": "一", "sentence2": "二", "label": "neutral"}),
        {"id": "train.json:1", "text": "一", "text_pair": "二", "label": "neutral"},
    ),
    "clue/csl": (
        "train.json", lines({"id": 7, "abst": "文", "keyword": ["甲", "乙"], "label": "1"}),
        {"id": 7, "text": "甲 乙", "text_pair": "文", "label": "1"},
    ),
    "clue/iflytek": (
        "train.json", lines({"label": 118, "label_des": "其他", "sentence": "应用"}),
        {"id": "train.json:1", "text": "应用", "label": "118"},
    ),
    "clue/ocnli": (
        "train.50k.json",
        lines({"sentence1": "一", "sentence2": "二", "label": "entailment", "genre": "tv", "prem_id": "p", "id": 9}),
        {"id": 9, "text": "一", "text_pair": "二", "label": "entailment"},
    ),
    "clue/tnews": (
        "train.json", lines({"label": "102", "label_desc": "news_entertainment", "sentence": "标题", "keywords": "x"}),
        {"id": "train.json:1", "text": "标题", "label": "102"},
    ),
    "paws_x": (
        "translated_train.tsv", "id\tsentence1\tsentence2\tlabel\n4\ta b\tb a\t1\n",
        {"id": "4", "text": "a b", "text_pair": "b a", "label": "1"},
    ),
    "sick_nli": ("SICK.txt", SICK, {"id": "0", "text": "a 0", "text_pair": "b", "label": "neutral"}),
    "xnli": (
        "xnli.dev.tsv",
        "language\tgold_label\tsentence1\tsentence2\tpromptID\tpairID\nsw\tneutral\ta\tb\t1\t7\n",
        {"id": "sw-7", "text": "a", "text_pair": "b", "label": "neutral", "language": "sw"},
    ),
    "xnli_cn": (
        "train.tsv", "premise\thypo\tlabel\n一\t二\tcontradictory\n",
        {"id": "train.tsv:2", "text": "一", "text_pair": "二", "label": "contradictory"},
    ),
}  # fmt: skip
"""Of each format: the name of a file, its content, and the first example in it."""
CLASSIFY = [name for name in FORMATS if choosing.load(name).task == "sequence_classification"]


@pytest.mark.parametrize("name", CLASSIFY)
def test_a_published_form_is_recognised_and_converted(tmp_path: Path, name: str) -> None:
    file, content, expected = SMALL[name]
    files = {file: write(tmp_path, {file: content}) / file}
    form = choosing.format_of(files, "auto", Columns())
    assert form.name == name
    found = next(iter(form.rows(files[file], "train")))
    assert isinstance(found, Example)
    assert {"id": found.where.removeprefix(f"{tmp_path}/"), **found.values} == expected


@pytest.mark.parametrize("name", CLASSIFY)
def test_a_mark_and_line_ends_of_other_systems_change_nothing(tmp_path: Path, name: str) -> None:
    file, content, _ = SMALL[name]
    plain = write(tmp_path / "a", {file: content}) / file
    other = write(tmp_path / "b", {file: b"\xef\xbb\xbf" + "\r\n".join(content.splitlines()).encode()}) / file
    form = choosing.format_of({file: other}, "auto", Columns())
    read = [[vars(row)["values"] for row in form.rows(path, "train")] for path in (plain, other)]
    assert read[0] == read[1]


@pytest.mark.parametrize("name", [*FORMATS, *TABLES])
def test_every_format_is_there_under_its_name_and_says_what_it_is(name: str) -> None:
    form = choosing.load(name)
    assert form.name == name
    assert form.summary


def rejected(tmp_path: Path, name: str, row: str | bytes, split: str = "train") -> Rejected | Example:
    """What becomes of a row behind the good one."""
    file, content, _ = SMALL[name]
    raw = content.encode() + (row if isinstance(row, bytes) else row.encode())
    path = write(tmp_path, {file: raw}) / file
    return list(choosing.load(name).of(Columns()).rows(path, split))[-1]


def wsc(**target: Any) -> str:
    return lines({**WSC, "target": {**WSC["target"], **target}})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("name", "row", "why"),
    [
        ("chnsenticorp", "1\ta\tb\n", "3 column(s) instead of 2, separated by tabs"),
        ("chnsenticorp", "2\ta\n", 'label "2" is unknown, it must be one of 0, 1'),
        ("chnsenticorp", "1\t \n", "the text is empty"),
        ("chnsenticorp", b"1\t\xba\xc3\n", "not UTF-8 at byte 2, convert it with iconv -f GB18030 -t UTF-8"),
        ("clue/afqmc", "{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("clue/afqmc", '{"sentence1": "a", "label": "0"}\n', "no `sentence2`, there are: sentence1, label"),
        ("clue/afqmc", '{"sentence1": "a", "sentence2": "", "label": "0"}\n', "a text of the pair is empty"),
        ("clue/afqmc", '{"sentence1": "a", "sentence2": "b"}\n', "no label"),
        ("clue/csl", '{"abst": "a", "keyword": "b", "label": "0"}\n', '`keyword` is "b", it must be a list of strings'),
        ("clue/iflytek", '{"sentence": "a", "label": 119}\n', "label 119 is unknown"),
        ("clue/tnews", '{"sentence": "a", "label": "105"}\n', 'label "105" is unknown'),
        ("clue/tnews", '{"sentence": ["a"], "label": "100"}\n', '`sentence` is ["a"], it must be a string'),
        ("clue/tnews", '{"sentence": "a", "label": {"x": 1}}\n', 'label {"x": 1} is none'),
        ("clue/cluewsc2020", wsc(span1_text="小红"), 'span1 is "小红", at 0 the text has "小明"'),
        ("clue/cluewsc2020", wsc(span2_index=900), 'span2 is "他", at 900 the text has ""'),
        ("clue/cluewsc2020", wsc(span2_index=-1), "it must have span2_text and span2_index"),
        ("clue/cluewsc2020", wsc(span2_text="明让", span2_index=1), "span1 and span2 overlap"),
        ("paws_x", "5\ta\t1\n", "3 column(s) instead of 4"),
        ("sick_nli", "5\ta\tb\tNEUTRAL\tOTHER\n", "SemEval_set `OTHER` is none of TRAIN, TRIAL, TEST"),
        ("xnli_cn", "a\tb\tmaybe\n", 'label "maybe" is unknown, it must be one of contradictory, entailment, neutral'),
    ],
)  # fmt: skip
def test_a_damaged_row_says_what_is_wrong_with_it(tmp_path: Path, name: str, row: str | bytes, why: str) -> None:
    found = rejected(tmp_path, name, row)
    assert isinstance(found, Rejected) and not found.expected
    assert why in found.why
    assert found.where.rpartition(":")[2].isdecimal()
    assert "\n" not in found.why


def test_a_pronoun_before_the_noun_is_marked_as_well(tmp_path: Path) -> None:
    row = {**WSC, "target": {"span1_text": "哥哥", "span1_index": 5, "span2_text": "他", "span2_index": 3}}
    found = rejected(tmp_path, "clue/cluewsc2020", lines(row))
    assert isinstance(found, Example) and found.values["text"] == "小明让[他]的_哥哥_等他。"


@pytest.mark.parametrize(("name", "split", "left_out"), [
    ("clue/ocnli", "train", True), ("clue/ocnli", "dev", True),
    ("clue/cmnli", "dev", True), ("clue/cmnli", "train", False),
])  # fmt: skip
def test_pairs_without_an_agreed_label_are_left_out_where_the_publisher_says_so(
    tmp_path: Path, name: str, split: str, left_out: bool
) -> None:
    found = rejected(tmp_path, name, lines({"sentence1": "a", "sentence2": "b", "label": "-"}), split)
    assert isinstance(found, Rejected) and found.expected == left_out


def test_sentences_that_were_not_translated_are_left_out_except_in_test(tmp_path: Path) -> None:
    found = rejected(tmp_path, "paws_x", "5\tNS\tb\t0\n")
    assert isinstance(found, Rejected) and found.expected
    assert isinstance(rejected(tmp_path, "paws_x", "5\tNS\tb\t0\n", "test"), Example)


@pytest.mark.parametrize("name", ["clue/tnews", "clue/csl", "clue/afqmc", "clue/cluewsc2020"])
def test_a_test_has_no_labels_and_keeps_every_row(tmp_path: Path, name: str) -> None:
    rows = {
        "clue/tnews": {"id": 0, "sentence": "", "keywords": ""},
        "clue/csl": {"id": 0, "abst": "a", "keyword": []},
        "clue/afqmc": {"id": 0, "sentence1": "", "sentence2": "b"},
        "clue/cluewsc2020": {"id": 0, "text": "ab", "target": {
            "span1_text": "a", "span1_index": 0, "span2_text": "b", "span2_index": 1,
        }},
    }  # fmt: skip
    found = rejected(tmp_path, name, lines(rows[name]), "test")
    assert isinstance(found, Example)
    assert "label" not in found.values and found.values["id"] == 0


def test_of_several_test_sets_and_training_sets_of_clue_one_is_taken(tmp_path: Path) -> None:
    row = SMALL["clue/tnews"][1]
    made = Made(write(tmp_path / "a", {
        "train.json": row + lines({"label": 100, "label_desc": "news_story", "sentence": "y"}), "dev.json": row,
        "test.json": lines({"id": 0, "sentence": "x"}), "test1.0.json": lines({"id": 0, "sentence": "old"}) * 9,
        "labels.json": lines({"label": "100", "label_desc": "news_story"}),
    }))  # fmt: skip
    assert [row["text"] for row in made.rows("test")] == ["x"]
    assert made.log[0].endswith("not used: labels.json, test1.0.json")
    pair = SMALL["clue/ocnli"][1]
    other = pair.replace("entailment", "neutral").replace("一", "三")
    made = Made(write(tmp_path / "b", {"train.3k.json": pair, "train.50k.json": pair + other, "dev.json": pair}))
    assert made.scores["train"] == 2


def test_pairs_of_clue_may_be_tables_if_the_format_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path / "raw", {"train.txt": "a\tb\tneutral\nc\td\tentailment\n", "dev.txt": "e\tf\tneutral\n"})
    made = Made(folder, format="clue/cmnli")
    assert made.labels() == ["contradiction", "entailment", "neutral"]
    assert made.rows("dev") == [{"id": "dev.txt:1", "text": "e", "text_pair": "f", "label": "neutral"}]


def test_a_header_that_is_none_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path / "raw", {"train.tsv": "1\t很好\n", "dev.tsv": "label\ttext_a\n1\t很好\n"})
    with pytest.raises(
        BadInput, match=r"train.tsv:1: the header is \['1', '很好'\], ChnSentiCorp has label and text_a"
    ):
        Made(folder, format="chnsenticorp")

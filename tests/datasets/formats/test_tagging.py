"""Published data of words with tags, and of queries with slots: converted, and damaged copies said row by row."""

from pathlib import Path
from typing import Any

import pytest
from labelled import Made, lines, write

from ernie_core.datasets import choosing
from ernie_core.datasets.columns import Columns
from ernie_core.datasets.format import Example, Rejected
from ernie_core.datasets.known import FORMATS
from ernie_core.errors import BadInput

CLUE = {"text": "彭小军在台湾", "label": {"address": {"台湾": [[4, 5]]}, "name": {"彭小军": [[0, 2]]}}}
PERSON = {"tokens": ["李", "明", "来"], "labels": ["B-PER", "I-PER", "O"]}
XSID = """# text = Rain in Rome today?
# intent = weather/find
1\tRain\tweather/find\tB-weather/attribute
2\tin\tweather/find\tO
3\tRome\tweather/find\tB-location
4\ttoday?\tweather/find\tB-datetime

"""

SMALL: dict[str, tuple[str, str, dict[str, Any]]] = {
    "cais": (
        "ch.train", "放 O\n花 B-song_name\n  O\n心 E-song_name\n\n",
        {"text": "放花 心", "intent": "PlayMusic", "slots": [{"slot": "song_name", "start": 1, "end": 4}]},
    ),
    "cluener": (
        "train.json", lines(CLUE),
        {"tokens": list("彭小军在台湾"), "labels": ["B-name", "I-name", "I-name", "O", "B-address", "I-address"]},
    ),
    "conll": ("train.conll", "李\tB-PER\n明\tI-PER\n来\tO\n\n", PERSON),
    "msra_ner": ("train.tsv", "7\t李\x02明\x02来\tB-PER\x02I-PER\x02O\n", {"id": "7", **PERSON}),
    "nlpcc2018": (
        "train.txt", "11\t来一首花心\tmusic.play\t来一首<song>花心</song>\n",
        {"text": "来一首花心", "intent": "music.play", "slots": [{"slot": "song", "start": 3, "end": 5}]},
    ),
    "peoples_daily_ner": ("example.train", "李 B-PER\n明 I-PER\n来 O\n\n", PERSON),
    "weibo_ner": (
        "weiboNER_2nd_conll.train", "李0\tB-PER.NAM\n明1\tI-PER.NAM\n来0\tO\n\n",
        {"tokens": ["李", "明", "来"], "labels": ["B-PER.NAM", "I-PER.NAM", "O"]},
    ),
    "wikiann": ("train-zh.tsv", "李\tB-PER\n明\tI-PER\n来\tO\n\n", PERSON),
    "xsid": (
        "en.train.conll", XSID,
        {"text": "Rain in Rome today?", "intent": "weather/find", "slots": [
            {"slot": "weather/attribute", "start": 0, "end": 4}, {"slot": "location", "start": 8, "end": 12},
            {"slot": "datetime", "start": 13, "end": 19},
        ]},
    ),
}  # fmt: skip
"""Of each format: the name of a file, its content, and the first example in it."""
BESIDE = {"ch.train.intent": "PlayMusic\nPlayMusic\n"}
TAGGING = [n for n in FORMATS if choosing.load(n).task in ("token_classification", "joint_intent_slots")]


def form_of(folder: Path, file: str, content: str | bytes) -> tuple[Any, Path]:
    """The format that is recognised, and the file."""
    write(folder, {file: content})
    if file == "ch.train":
        text = content if isinstance(content, str) else content.decode(errors="replace")
        write(folder, {"ch.train.intent": "PlayMusic\n" * len(text.replace("\r", "").strip().split("\n\n"))})
    files = {path.name: path for path in folder.iterdir() if path.is_file()}
    return choosing.format_of(files, "auto", Columns()), folder / file


@pytest.mark.parametrize("name", TAGGING)
def test_a_published_form_is_recognised_and_converted(tmp_path: Path, name: str) -> None:
    file, content, expected = SMALL[name]
    form, path = form_of(tmp_path, file, content)
    assert form.name == name
    assert form.splits({file: path}) == {"train": [path]}
    (found,) = form.rows(path, "train")
    assert isinstance(found, Example)
    assert found.values == expected


@pytest.mark.parametrize("name", TAGGING)
def test_a_mark_and_line_ends_of_other_systems_change_nothing(tmp_path: Path, name: str) -> None:
    file, content, _ = SMALL[name]
    read = []
    for number, raw in enumerate((content.encode(), b"\xef\xbb\xbf" + content.replace("\n", "\r\n").encode())):
        form, path = form_of(tmp_path / str(number), file, raw)
        read.append([row.values for row in form.rows(path, "train")])
    assert read[0] == read[1] != []


def wrong(**label: Any) -> str:
    return lines({**CLUE, "label": label})


@pytest.mark.parametrize(
    ("name", "row", "line", "why"),
    [
        ("cais", "放 O\n花 song\n", 7, 'tag "song" of "花" is none: O, or B-, I-, E- or S- and a slot'),
        ("cais", "放 O O\n", 6, "3 column(s) instead of 2, separated by spaces"),
        ("cais", "花 S-title\n", 6, 'slot "title" is unknown, it must be one of actor_name'),
        ("cais", "  O\n", 6, "the text is empty"),
        ("cluener", '{"text": x\n', 2, "not JSON: Expecting value"),
        ("cluener", "[1]\n", 2, "not a JSON object"),
        ("cluener", '{"label": {}}\n', 2, "no `text`"),
        ("cluener", '{"text": "", "label": {}}\n', 2, "the text is empty"),
        ("cluener", '{"text": "a"}\n', 2, "no tags"),
        ("cluener", wrong(address={"台湾": [[0, 1]]}), 2, 'address is "台湾", from 0 to 1 the text has "彭小"'),
        ("cluener", wrong(address={"台湾": [[-1, 1]]}), 2, 'address is "台湾", from -1 to 1 the text has "彭小"'),
        ("cluener", wrong(address={"台湾": [4, 5]}), 2, 'address "台湾" is at 4, it must be [first, last]'),
        ("cluener", wrong(person={"台湾": [[4, 5]]}), 2, 'type "person" is unknown, it must be one of address'),
        ("cluener", wrong(address={"台湾": [[4, 5]]}, scene={"湾": [[5, 5]]}), 2, "address and scene overlap at 5"),
        ("cluener", wrong(address=["台湾"]), 2, '`label` is {"address": ["台湾"]}, it must be {type: {entity:'),
        ("conll", "来\tx\tO\n", 5, "3 column(s) instead of 2, separated by tabs"),
        ("conll", "来\tO\n去\tPER\n", 6, 'tag "PER" of "去" is none'),
        ("conll", "\tO\n", 5, "the text is empty"),
        ("msra_ner", "8\t李\x02明\tB-PER\n", 2, "2 tokens and 1 tags"),
        ("msra_ner", "8\t李\tB-GPE\n", 2, 'tag "B-GPE" of "李" is unknown, it must be one of B-PER, I-PER'),
        ("msra_ner", "李\n", 2, "1 column(s) instead of 2 or 3, separated by tabs"),
        ("msra_ner", "8\t\t\n", 2, "the text is empty"),
        ("nlpcc2018", "11\ta\tmusic.play\n", 2, "3 column(s) instead of 4"),
        ("nlpcc2018", "11\ta\tmusic.like\ta\n", 2, 'intent "music.like" is unknown, it must be one of OTHERS'),
        ("nlpcc2018", "11\tab\tmusic.play\t<song>a</song>\n", 2, 'without its marks the text is "a", the query "ab"'),
        ("nlpcc2018", "11\ta\tmusic.play\t<title>a</title>\n", 2, 'slot "title" is unknown, it must be one of song'),
        ("nlpcc2018", "11\ta\tmusic.play\t<song>a</singer>\n", 2, 'mark "</singer>" closes "song"'),
        ("nlpcc2018", "11\ta\tmusic.play\t<song>a\n", 2, 'mark "<song>" is not closed'),
        ("nlpcc2018", "11\ta\tmusic.play\ta</song>\n", 2, 'mark "</song>" closes nothing'),
        ("nlpcc2018", "11\ta\tmusic.play\t<song><singer>a</singer></song>\n", 2, 'mark "<singer>" is within "song"'),
        ("nlpcc2018", "11\ta\tmusic.play\ta<song></song>\n", 2, 'slot "song" is empty'),
        ("nlpcc2018", "11\t \tOTHERS\t \n", 2, "the text is empty"),
        ("peoples_daily_ner", "来\tO\n", 5, "1 column(s) instead of 2, separated by spaces"),
        ("peoples_daily_ner", "来 O\n去 B-GPE\n", 6, 'tag "B-GPE" of "去" is unknown'),
        ("weibo_ner", "来\tO\n", 5, 'token "来" is not a character and its number in the word, such as 科0'),
        ("weibo_ner", "来0\tB-PER\n", 5, 'tag "B-PER" of "来" is unknown'),
        ("wikiann", "来\n", 5, "1 column(s) instead of 2, separated by tabs"),
        ("xsid", "# text = a\n1\ta\tx\tO\n", 8, "no comment `# intent = ...`"),
        ("xsid", "# text = a\n# intent = RateBook\n1\tb\tx\tO\n", 10, 'word "b" is not in the rest of the text, "a"'),
        ("xsid", "# text = a\n# intent = RateBook\n1\ta\tO\n", 10, "3 column(s) instead of 4"),
        ("xsid", "# text = a\n# intent = Fly\n1\ta\tx\tO\n", 8, 'intent "Fly" is unknown'),
    ],
)  # fmt: skip
def test_a_damaged_row_says_what_is_wrong_with_it_and_the_next_is_read(
    tmp_path: Path, name: str, row: str, line: int, why: str
) -> None:
    file, content, expected = SMALL[name]
    between = "" if content.endswith("\n\n") or name in ("cluener", "msra_ner", "nlpcc2018") else "\n"
    behind = "" if name in ("cluener", "msra_ner", "nlpcc2018") else "\n"
    form, path = form_of(tmp_path, file, content + between + row + behind + content)
    first, found, last = form.rows(path, "train")
    assert isinstance(found, Rejected) and not found.expected
    assert why in found.why and "\n" not in found.why
    assert found.where == f"{path}:{line}"
    assert first.values == last.values == expected


@pytest.mark.parametrize("name", [n for n in TAGGING if n != "cluener"])
def test_bytes_that_are_not_utf_8_reject_their_example(tmp_path: Path, name: str) -> None:
    file, content, expected = SMALL[name]
    damaged = content.encode().replace("来".encode(), b"\xc0").replace("放".encode(), b"\xc0").replace(b"Rain", b"\xc0")
    form, path = form_of(tmp_path, file, content.encode() + damaged)
    first, found = form.rows(path, "train")
    assert first.values == expected
    assert isinstance(found, Rejected) and found.why.startswith("not UTF-8 at byte")


def test_corrected_queries_are_left_out_and_a_dialogue_is_a_group(tmp_path: Path) -> None:
    form, path = form_of(
        tmp_path, "train.txt", "11\t来a\tmusic.play\t来<song>a||b</song>\n11\t停\tmusic.pause\t停\n\n12\ta\tOTHERS\ta\n"
    )
    corrected, one, other = form.rows(path, "train")
    assert isinstance(corrected, Rejected) and corrected.expected
    assert (one.group, other.group) == ("11", "12")


def test_translations_of_one_query_are_a_group(tmp_path: Path) -> None:
    german = XSID.replace("Rain in Rome today?", "Regnet es?", 1)
    german = german.replace("# intent", "# text-en = Rain in Rome today?\n# intent").replace("1\tRain", "1\tRegnet")
    german = "".join(line for line in german.splitlines(True) if line[0] not in "234")
    form, path = form_of(tmp_path, "en.train.conll", XSID + german)
    one, other = form.rows(path, "train")
    assert one.group == other.group == "Rain in Rome today?" and other.values["text"] == "Regnet es?"


def test_objects_over_many_lines_are_read_and_a_damaged_one_does_not_end_it(tmp_path: Path) -> None:
    import json

    pretty = json.dumps(CLUE, ensure_ascii=False, indent=2)
    form, path = form_of(tmp_path, "train.json", f"{pretty}\n{pretty[:40]}\n{pretty}")
    first, damaged, last = form.rows(path, "train")
    assert isinstance(damaged, Rejected) and damaged.why.startswith("not JSON")
    assert first.values == last.values == SMALL["cluener"][2]


@pytest.mark.parametrize(("content", "expected"), [
    ("李\x02明\tB-PER\x02I-PER\n", {"tokens": ["李", "明"], "labels": ["B-PER", "I-PER"]}),
    ("text_a\tlabel\n李\x02明\tB-PER\x02I-PER\n", {"tokens": ["李", "明"], "labels": ["B-PER", "I-PER"]}),
    ("3\t李\x02明\n", {"id": "3", "tokens": ["李", "明"]}),
])  # fmt: skip
def test_the_published_two_columns_and_a_test_without_tags(
    tmp_path: Path, content: str, expected: dict[str, Any]
) -> None:
    form, path = form_of(tmp_path, "test.tsv", content)
    (found,) = form.rows(path, "test")
    assert found.values == expected


def test_files_of_conll_may_have_more_columns_and_comments(tmp_path: Path) -> None:
    text = "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n# id = 2\n# NN B-NP O\n"
    form, path = form_of(tmp_path, "train.txt", text)
    first, second = form.rows(path, "train")
    assert first.values == {"tokens": ["EU", "rejects"], "labels": ["B-ORG", "O"]}
    assert second.values["tokens"] == ["#"]
    (found,) = (row for row in form.rows(write(tmp_path, {"x.txt": "a O\n  O\nb B-X\n"}) / "x.txt", "train"))
    assert found.values == {"tokens": ["a", " ", "b"], "labels": ["O", "O", "B-X"]}


def test_the_intents_of_cais_are_not_called_unused(tmp_path: Path) -> None:
    queries, intents = "放 O\n\n停 O\n", "PlayMusic\nControlSystem\n"
    files = {"ch.train": queries, "ch.train.intent": intents, "ch.valid": queries, "ch.valid.intent": intents}
    made = Made(write(tmp_path / "raw", {**files, "README.md": "read me"}))
    assert made.log[0].endswith("train: ch.train; dev: ch.valid; not used: README.md")


def test_queries_and_intents_of_cais_must_be_equally_many(tmp_path: Path) -> None:
    form, path = form_of(tmp_path, "ch.train", "放 O\n\n放 O\n")
    write(tmp_path, {"ch.train.intent": "PlayMusic\n"})
    with pytest.raises(BadInput, match=r"ch\.train: 2 queries, ch\.train\.intent has 1 intents: give both anew"):
        list(form.rows(path, "train"))
    (tmp_path / "ch.train.intent").unlink()
    with pytest.raises(BadInput, match=r"ch\.train: its intents are missing: they are a file ch\.train\.intent in"):
        list(form.rows(path, "train"))

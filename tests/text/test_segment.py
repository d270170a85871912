"""Raw text to words."""

import json
import logging
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernie_core.errors import BadInput, Stopped
from ernie_core.text import segment, sentences, wordcut
from ernie_core.text.jieba import segmenter


@pytest.fixture(scope="module")
def jieba():
    module = pytest.importorskip("jieba")
    module.setLogLevel(logging.WARNING)
    return module


def folder_of(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / f"{name}.txt").write_text(content, encoding="utf-8")
    return path


def test_words_are_those_of_jieba_on_a_sample_of_both_corpora(jieba, text):
    for file in sorted(text.glob("*.txt")):
        found = sentences.split(file.read_text(encoding="utf-8"))
        for sentence in random.Random(3).sample(found, 3000):
            assert segment.cut(sentence) == jieba.lcut(sentence)


@pytest.mark.parametrize(
    "sentence", ["重1.5kg左右", "check-in很快", "T_T", "2008.02.23入住", "1.usb口", "㐀㐁是字", "12-34%", "a+b"]
)
def test_words_are_those_of_jieba_where_rjieba_cuts_otherwise(jieba, sentence):
    assert segment.cut(sentence) == jieba.lcut(sentence)


@given(st.text("中国人民李明一二的是AB01.%-_+#&, ，Ａ１\u3000\t\x00㐀", max_size=20))
def test_cutting_loses_nothing(sentence):
    assert "".join(segment.cut(sentence)) == sentence


def test_a_sentence_of_any_length_is_cut_slice_by_slice(monkeypatch):
    monkeypatch.setattr(segmenter, "SLICE", 4)
    segmenter._load.cache_clear()
    assert segment.cut("研究生命起源") == ["研究", "生命", "起源"]
    assert segment.cut("我爱北京天安门") == ["我", "爱", "北京", "天安门"]
    assert segment.cut("在北京天安门") == ["在", "北京", "天", "安门"]
    segmenter._load.cache_clear()


def test_files_become_documents_of_words(tmp_path):
    text = folder_of(tmp_path / "text", a="我爱北京。你呢？\n\n天安门 很大")
    (tmp_path / "words").mkdir()
    figures = segment.files(text, tmp_path / "words")
    lines = (tmp_path / "words/part-00000.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["我 爱 北京 。\n你 呢 ？\n", "天安门   很大\n"]
    assert [document for _, document in wordcut.read(tmp_path / "words/part-00000.jsonl")] == [
        [["我", "爱", "北京", "。"], ["你", "呢", "？"]],
        [["天安门", " ", "很大"]],
    ]
    assert (figures["documents"], figures["sentences"], figures["single_sentence_documents"]) == (2, 3, 1)
    assert json.loads((tmp_path / "words/stats.json").read_text())["words"] == 10


@given(st.lists(st.sampled_from(["研究", " ", "a", "。", "\u3000"]), min_size=1))
def test_spaces_of_the_text_come_back_as_words(words):
    assert wordcut.split(" ".join(words)) == words


def test_parts_are_rolled_and_hold_the_same_documents(text, words, tmp_path, monkeypatch):
    monkeypatch.setattr(segment, "LEAST", 1 << 30)
    monkeypatch.setattr(segment, "PART_SIZE", 3 << 20)
    segment.files(text, tmp_path)
    assert [p.name for p in wordcut.parts(tmp_path)] == [f"part-00000-{n:05d}.jsonl" for n in range(3)]
    assert [p.name for p in wordcut.parts(words)] == [f"part-{n:05d}.jsonl" for n in range(3)]
    one, other = (b"".join(p.read_bytes() for p in wordcut.parts(folder)) for folder in (words, tmp_path))
    assert one == other


def test_files_that_are_not_read_are_counted(tmp_path):
    text = folder_of(tmp_path / "text", a="研究")
    (text / "README.md").write_text("about")
    assert segment.files(text, tmp_path)["skipped_files"] == 1


def test_the_same_text_gives_the_same_bytes(tmp_path):
    text = folder_of(tmp_path / "text", b="二。", a="一。\n\n三 四")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        segment.files(text, tmp_path / name)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_sentences_over_512_tokens_are_counted(tmp_path):
    text = folder_of(tmp_path / "text", a="研" * 512 + "。", b="研" * 512, c="word" * 500)
    (tmp_path / "words").mkdir()
    assert segment.files(text, tmp_path / "words")["long_sentences"] == 1


def test_text_without_a_document_is_refused_with_what_was_there(tmp_path):
    text = folder_of(tmp_path / "text", a="\n\n", b="")
    with pytest.raises(BadInput, match=r"no document .*files 2.*lines 2.*empty_documents 2"):
        segment.files(text, tmp_path)


def test_text_of_another_encoding_is_refused(tmp_path):
    text = folder_of(tmp_path / "text")
    (text / "a.txt").write_bytes("你好\n世界".encode("gb18030"))
    with pytest.raises(BadInput, match="2 of 2 lines are not UTF-8"):
        segment.files(text, tmp_path)


def test_another_tool_is_refused(tmp_path):
    text = folder_of(tmp_path / "text", a="研究")
    with pytest.raises(BadInput, match="`hmm` is not a word segmenter"):
        segment.files(text, tmp_path, tool="hmm")


def test_it_says_how_far_it_is_and_stops_when_asked(text, tmp_path):
    seen = []
    with pytest.raises(Stopped):
        segment.files(
            text, tmp_path, progress=lambda done, total=None, unit="", **_: seen.append((done, total, unit)),
            stop=lambda: len(seen) == 5,
        )  # fmt: skip
    total = sum(file.stat().st_size for file in text.iterdir())
    assert len(seen) == 5
    assert all(0 < done <= total and (of, unit) == (total, "B") for done, of, unit in seen)
    assert not (tmp_path / "stats.json").exists()


@pytest.mark.parametrize("line", ["{", "[]", '{"words": ""}', '{"text": 1}', "\udcff"])
def test_words_that_are_not_words_are_refused_with_the_line(tmp_path, line):
    part = tmp_path / "part-00000.jsonl"
    part.write_bytes(b'{"text": "a\\n"}\n' + line.encode(errors="surrogateescape") + b"\n")
    with pytest.raises(BadInput, match=r"part-00000\.jsonl:2: not a JSON object"):
        list(wordcut.read(part))


def test_a_folder_without_words_is_refused(tmp_path):
    with pytest.raises(BadInput, match="segment step"):
        wordcut.parts(tmp_path)

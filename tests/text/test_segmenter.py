"""The words of jieba: the compiled segmenter compared with jieba itself."""

import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernie_core import native
from ernie_core.errors import BadInput
from ernie_core.text import sentences, wordcut
from ernie_core.text.jieba import custom, segmenter
from ernie_core.text.jieba.custom import Word

MARKS = "。?？;；!！\n  "
PIECES = st.one_of(
    st.sampled_from([*'中国人民李明一二的是在和AB01.%-_+#&,，Ａ１\u3000\t\x00㐀鿕鿖"\\\r\x1f\x7f\u2028é😀', *MARKS]),
    st.sampled_from(["研究生", "命", "1.5", "check", "T恤", "卡拉OK", "武汉市", "长江大桥", "12.5%", "王小明"]),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
    st.characters(blacklist_categories=["Cs"]),
)
TEXT = st.lists(PIECES, max_size=40).map("".join)


@pytest.fixture(scope="module")
def jieba():
    module = pytest.importorskip("jieba")
    module.setLogLevel(logging.WARNING)
    return module


@pytest.fixture(scope="module")
def slow():
    """The same in Python, by jieba itself."""
    return segmenter._Python(segmenter._tokenizer(()))


@settings(max_examples=500, deadline=None)
@given(TEXT)
def test_any_text_is_cut_as_jieba_cuts_it(jieba, text):
    sentence = text.replace("\n", "")
    assert segmenter.load().cut(sentence) == jieba.lcut(sentence)


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_documents_come_out_as_they_do_in_python(slow, document):
    assert segmenter.load().document(document) == slow.document(document)


@pytest.mark.slow
def test_every_sentence_of_both_corpora_is_cut_as_jieba_cuts_it(jieba, text):
    for file in sorted(text.glob("*.txt")):
        for sentence in sentences.split(file.read_text(encoding="utf-8")):
            assert segmenter.load().cut(sentence) == jieba.lcut(sentence)


def test_every_han_is_cut_as_jieba_cuts_it_alone_and_beside_others(jieba):
    for code in range(0x4DF0, 0xA000):
        sentence = chr(code) + "，" + chr(code) * 2 + "，是" + chr(code)
        assert segmenter.load().cut(sentence) == jieba.lcut(sentence)


def test_a_document_becomes_a_line_and_counts():
    cut = segmenter.load().document('我爱"北京"。你呢？ ？')
    assert json.loads(cut.line) == {"text": '我 爱 " 北京 " 。\n你 呢 ？\n？\n'}
    assert (cut.sentences, cut.words, cut.size, cut.long_sentences) == (3, 10, 27 + 2, 0)


@pytest.mark.parametrize(
    ("document", "long"),
    [("研" * 513, 1), ("研" * 512 + "。", 1), ("研" * 512, 0), ("é" * 600, 0), ("é " * 600, 1), ("，" * 513, 1)],
)
def test_sentences_are_long_by_their_tokens(slow, document, long):
    assert segmenter.load().document(document).long_sentences == slow.document(document).long_sentences == long


def test_a_document_longer_than_the_slices_is_cut_in_slices(monkeypatch):
    monkeypatch.setattr(segmenter, "SLICE", 4)
    segmenter._load.cache_clear()
    assert json.loads(segmenter.load().document("在北京天安门。研究。").line)["text"] == "在 北京 天 安门 。\n研究 。\n"
    segmenter._load.cache_clear()


def test_custom_words_are_those_of_jieba(jieba, tmp_path):
    (tmp_path / "names.txt").write_text("\ufeff云计算专家\n韩玉鉴赏 30 n\n\nc++\n大数据平台 5 nz\n", encoding="utf-8")
    words = custom.read(tmp_path)
    assert words[1] == Word("韩玉鉴赏", 30, "names.txt:2")
    theirs = jieba.Tokenizer()
    for word in words:
        theirs.add_word(word.text, word.count)
    for sentence in ("他是云计算专家", "韩玉鉴赏会", "用c++写的", "大数据平台在哪", "云计算专家韩玉鉴赏"):
        assert segmenter.load(words).cut(sentence) == theirs.lcut(sentence)
    assert segmenter.load(words).cut("他是云计算专家") == ["他", "是", "云计算专家"]
    assert segmenter.load().cut("他是云计算专家") == ["他", "是", "云", "计算", "专家"]


@pytest.mark.parametrize("line", ["研究 生命 起源", "研究 0", "研究 -3", "研究 3 n 4"])
def test_a_list_of_words_with_another_line_is_refused(tmp_path, line):
    (tmp_path / "names.txt").write_text(f"研究\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=rf"names\.txt:2: `{line}` is not "):
        custom.read(tmp_path)


def test_a_word_that_jieba_can_never_find_is_refused(tmp_path):
    (tmp_path / "names.txt").write_text("研究\n，研究", encoding="utf-8")
    with pytest.raises(BadInput, match=r"names\.txt:2: `，研究` cannot be a word"):
        segmenter.load(custom.read(tmp_path))


def test_an_empty_list_of_words_is_refused(tmp_path):
    (tmp_path / "names.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no word in the list"):
        custom.read(tmp_path)


def test_without_the_compiled_cutter_the_words_are_equal_and_it_says_so(monkeypatch):
    def missing(name):
        raise ImportError(name)

    fast = segmenter.load().document("研究生命起源。")
    monkeypatch.setattr(native.importlib, "import_module", missing)
    segmenter._load.cache_clear()
    native.load.cache_clear()
    with pytest.warns(RuntimeWarning, match=r"ernie_core\.text\.jieba\._jieba is missing .* fifty times slower"):
        assert segmenter.load().document("研究生命起源。") == fast
    segmenter._load.cache_clear()
    native.load.cache_clear()


def test_words_written_by_hand_and_cut_lines_go_through_one_writer(tmp_path):
    writer = wordcut.WordsWriter(tmp_path, 1 << 20)
    writer.write([["研究", " ", "生命"]])
    writer.add(segmenter.load().document("研究。"))
    writer.close()
    assert [document for _, document in wordcut.read(tmp_path / "part-00000.jsonl")] == [
        [["研究", " ", "生命"]],
        [["研究", "。"]],
    ]

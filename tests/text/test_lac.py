"""LAC's words and tags: the dictionary pass, custom words, the step."""

import itertools
import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import segment, wordcut
from ernie_core.text.lac import TOOLS, custom, dictionary, tagger, weights

native = pytest.importorskip("ernie_core.text.lac._lac")
PATHS = native.paths()
MODELS = sorted(TOOLS.values())
MIXED = "百度是一家高科技公司。ＡＢ 12x電腦，㐀\u3000\t\x00\ud800😀"


@cache
def loaded(model: str, path: str) -> tagger.Tagger:
    return tagger.load(model, path=path)


@pytest.fixture(params=MODELS)
def model(request) -> tagger.Tagger:
    """Each model on the best path of this processor."""
    return loaded(request.param, PATHS[-1])


def with_words(model: tagger.Tagger, *lines: str) -> tagger.Tagger:
    return tagger.Tagger(model.known, model.parameters, model.net, model.lexicon, custom.parse(lines))


def plain_cut(text: str, known: dictionary.Dictionary) -> list[str]:
    """The dictionary pass by trying every way to cut: the highest score; of equal ones, longer words first."""

    def ways(rest: str) -> Iterator[list[str]]:
        if not rest:
            yield []
        for size in range(1, min(3, len(rest)) + 1):
            if size == 1 or rest[:size] in known.cuts:
                yield from ([rest[:size], *way] for way in ways(rest[size:]))

    def score(way: list[str]) -> tuple[float, list[int]]:
        total = 0.0
        for word in reversed(way):
            total += known.scores[len(word) - 1]
        return total, [len(word) for word in way]

    return max(ways(text), key=score)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(MIXED), max_size=5))
def test_cutting_loses_nothing_and_tags_every_character(texts):
    for name in MODELS:
        model = loaded(name, PATHS[-1])
        assert ["".join(words) for words in model.words(texts)] == texts
        assert [len(tags) for tags in model.tags(texts)] == [len(text) for text in texts]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(MIXED + " "), max_size=5), st.integers(2, 4096))
def test_lines_are_the_words_with_spaces_between(texts, longest):
    model = loaded("seg_model", PATHS[-1])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tagger, "LONGEST", longest)
        assert model.lines(texts) == [" ".join(words) for words in model.words(texts)]


def test_words_begin_where_the_tags_say(model):
    for text in ["LAC是个优秀的分词工具", "我在2019年买了iPhone手机", "電腦公司"]:
        tags = model.tags([text])[0]
        begins = [n for n, tag in enumerate(tags) if n == 0 or tag[-1] in "BS"]
        bounds = [*begins, len(text)]
        assert model.words([text]) == [[text[a:b] for a, b in itertools.pairwise(bounds)]]


def test_the_examples_of_the_package():
    assert loaded("lac_model", PATHS[-1]).words(["LAC是个优秀的分词工具", ""]) == [
        ["LAC", "是", "个", "优秀", "的", "分词", "工具"],
        [],
    ]
    assert loaded("lac_model", PATHS[-1]).tags(["百度是一家高科技公司。"])[0][:3] == ["ORG-B", "ORG-I", "v-B"]


def test_the_dictionary_pass_finds_the_best_of_all_ways_to_cut():
    model = loaded("lac_model", PATHS[-1])
    rng = random.Random(2)
    words = sorted(model.known.cuts)
    for _ in range(60):
        text = "".join(rng.sample(words, 4))[:9]
        expected = [
            (model.known.unit(w), len(w))
            if len(w) > 1 and w in model.known.words
            else (int(model.known.single[ord(c)]), 1)
            for w in plain_cut(text, model.known)
            for c in (w[:1] if len(w) > 1 and w in model.known.words else w)
        ]
        if not any(c.isascii() for c in text):
            assert cut_units(model, text) == expected, text


def cut_units(model: tagger.Tagger, text: str) -> list[tuple[int, int]]:
    codes, lengths = np.array([ord(c) for c in text], np.uint32), np.array([len(text)], np.int64)
    units, widths, numbers = np.empty(len(text), np.int32), np.empty(len(text), np.int32), np.empty(1, np.int64)
    data = (codes.ctypes.data, lengths.ctypes.data, 1, units.ctypes.data, widths.ctypes.data, numbers.ctypes.data)
    size = model.lexicon.cut(*data)
    return list(zip(units[:size].tolist(), widths[:size].tolist(), strict=True))


def test_letters_and_digits_are_one_unit_if_the_net_knows_them_together():
    model = loaded("lac_model", PATHS[-1])
    single = model.known.single
    assert cut_units(model, "2019") == [(model.known.words["2019"], 4)]
    assert cut_units(model, "20x9z") == [(single[ord(c)], 1) for c in "20x9z"]


def test_full_width_and_traditional_characters_are_seen_as_their_plain_forms(model):
    single = model.known.single
    assert single[ord("Ａ")] == model.known.words["A"]
    assert single[ord("電")] == single[ord("电")] != single[ord("a")]
    assert single[ord("㐀")] == single[0x10FFFF] == model.known.words["OOV"]


def test_custom_words_are_kept_whole_and_cut_where_their_line_says(model):
    assert with_words(model, "春天/SEASON", "花 开").words(["春天的花开秋天的风"])[0][:4] == ["春天", "的", "花", "开"]
    assert with_words(model, "秋天的风").words(["春天的花开秋天的风"])[0][-1] == "秋天的风"
    tags = with_words(model, "春天/SEASON").tags(["在春天"])[0]
    assert tags[1:] == ["SEASON-B", "SEASON-I"]


def test_of_custom_words_that_overlap_each_that_reaches_further_counts():
    found = custom.parse(["高科", "高科技", "科技", "技公司", "x"]).find("高科技公司x")
    assert [(start, start + phrase.ends[-1]) for start, phrase in found] == [(0, 2), (0, 3), (2, 5)]


@settings(max_examples=40, deadline=None)
@given(st.text("春天的花开a", max_size=12), st.lists(st.sampled_from(["春天", "天的", "花/n 开", "的花开", "a/x"])))
def test_words_with_custom_words_begin_where_the_tags_say(text, lines):
    model = with_words(loaded("seg_model", PATHS[-1]), *lines)
    begins = [n for n, tag in enumerate(model.tags([text])[0]) if n == 0 or tag[-1] in "BS"]
    ends = np.cumsum([0, *map(len, model.words([text])[0])]).tolist()
    assert ends[:-1] == begins


def test_a_list_for_jieba_is_refused_rather_than_misread(tmp_path):
    (tmp_path / "a.txt").write_text("春天\n研究生 3 n\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"a\.txt:2: `研究生 3 n` has a count"):
        custom.read(tmp_path)


def test_a_text_of_any_length_is_cut_slice_by_slice(model, monkeypatch):
    monkeypatch.setattr(tagger, "LONGEST", 4)
    assert model.words(["我爱北京天安门", "好"]) == [
        [*model.words(["我爱北京"])[0], *model.words(["天安门"])[0]],
        ["好"],
    ]


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_files_become_documents_of_words_in_their_order(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tagger, "CHUNK", 8)
    for name in ("text", "words", "custom"):
        (tmp_path / name).mkdir()
    (tmp_path / "text/a.txt").write_text("我爱北京。你呢？\n\n天安门 很大\n\n春天的花", encoding="utf-8")
    (tmp_path / "custom/words.txt").write_text("春天的花\n", encoding="utf-8")
    figures = segment.files(tmp_path / "text", tmp_path / "words", tool=tool, custom_words=tmp_path / "custom")
    assert [document for _, document in wordcut.read(tmp_path / "words/part-00000.jsonl")] == [
        [["我", "爱", "北京", "。"], ["你", "呢", "？"]],
        [["天安门", " ", "很大"]],
        [["春天的花"]],
    ]
    assert (figures["documents"], figures["sentences"], figures["custom_words"]) == (3, 4, 1)
    assert json.loads((tmp_path / "words/stats.json").read_text())["tool"] == tool


def test_a_missing_or_changed_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotFound, match="the package lac is not installed"):
        weights.folder("seg_model")
    place = tmp_path / "seg_model"
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: fake(tmp_path))
    with pytest.raises(NotFound, match="no such file: install lac"):
        weights.folder("seg_model")
    for part, names in (("conf", weights._DICTIONARIES), ("model", weights._PARAMETERS)):
        (place / part).mkdir(parents=True)
        for name in names:
            (place / part / name).touch()
    with pytest.raises(BadInput, match="not the model of lac"):
        weights.folder("seg_model")


def fake(folder: Path):
    class Spec:
        submodule_search_locations = (str(folder),)

    return Spec

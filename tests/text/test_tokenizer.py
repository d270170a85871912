"""Text to ids and back, the frames of a model's input, and vocabularies that are refused."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernie_core.errors import BadInput, NotFound
from ernie_core.text import normalise
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("研究生", ["研", "究", "生"]),
        ("abc", ["a", "##b", "##c"]),
        ("ÁB", ["a", "##b"]),
        ("a研b", ["a", "研", "b"]),
        ("abx", ["[UNK]"]),
        ("～～", ["～", "～"]),
        ("\u200a\u3000研\u2028究", ["研", "究"]),
        ("研\x00\ufffd\u200b\ue000究", ["研", "究"]),
        ("a\u200bb", ["a", "##b"]),
        ("\ud800研", ["研"]),
        ("[MASK]", ["[", "mask", "]"]),
        ("a" * 101, ["[UNK]"]),
        ("", []),
    ],
)
def test_text_becomes_tokens(tiny, text, tokens):
    assert tiny.tokenize(text) == tokens
    assert [tiny.vocab[i] for i in tiny.encode(text)] == tokens


def test_a_part_of_exactly_100_characters_is_still_cut(tiny):
    assert tiny.tokenize("a" + "b" * 99) == ["a", *["##b"] * 99]
    assert tiny.tokenize("a" + "b" * 100) == ["[UNK]"]


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_normalising_twice_changes_nothing(text):
    once = [part for piece in normalise.pieces(text) for part in normalise.parts(piece)]
    assert [part for whole in once for piece in normalise.pieces(whole) for part in normalise.parts(piece)] == once


def test_every_code_point_normalises_to_characters_that_stay():
    for code in range(sys.maxunicode + 1):
        for piece in normalise.pieces(chr(code)):
            for char in "".join(normalise.parts(piece)):
                assert (normalise.parts(char), normalise.pieces(char)) == ([char], [char]), hex(code)


def test_many_distinct_pieces_do_not_fill_the_memory(tiny, monkeypatch):
    monkeypatch.setattr(type(tiny.pieces), "limit", 10)
    for n in range(100):
        assert tiny.encode(f"研 a{n}") == [tiny.ids["研"], tiny.unk_id]
    assert len(tiny.pieces) <= 10


def test_frames_one_text_and_a_pair(tiny):
    cls, sep = tiny.cls_id, tiny.sep_id
    assert tiny.frame([7, 8, 9], None, 16) == ([cls, 7, 8, 9, sep], [0] * 5)
    assert tiny.frame([7, 8, 9], None, 4) == ([cls, 7, 8, sep], [0] * 4)
    assert tiny.frame([7, 8], [9], 16) == ([cls, 7, 8, sep, 9, sep], [0, 0, 0, 0, 1, 1])
    assert tiny.frame([7], [], 16) == ([cls, 7, sep, sep], [0, 0, 0, 1])


def test_a_pair_loses_tokens_from_its_longer_half_and_from_the_second_when_equal(tiny):
    a, b = [10, 11, 12, 13], [20, 21, 22]
    framed, types = tiny.frame(a, b, 8)
    assert framed == [tiny.cls_id, 10, 11, 12, tiny.sep_id, 20, 21, tiny.sep_id]
    assert types == [0, 0, 0, 0, 0, 1, 1, 1]
    assert tiny.frame(a, b, 3)[0] == [tiny.cls_id, tiny.sep_id, tiny.sep_id]


def test_a_frame_without_room_for_special_tokens_is_refused(tiny):
    with pytest.raises(BadInput, match="max_seq_len 2"):
        tiny.frame([7], [8], 2)


def test_saved_and_read_again_it_is_the_same(tiny, tmp_path):
    tiny.save(tmp_path)
    assert tokenizers.open(tmp_path) == tiny
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["tokenizer_class"] == "ErnieTokenizer"


def test_windows_line_ends_and_a_byte_order_mark_are_no_part_of_tokens(tmp_path):
    (tmp_path / "vocab.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*SPECIALS, "研", ""]).encode())
    assert tokenizers.open(tmp_path).vocab == (*SPECIALS, "研")


def test_tokens_that_python_takes_for_line_ends_stay_tokens(tmp_path):
    WordPieceTokenizer((*SPECIALS, "\u2028", "\x85")).save(tmp_path)
    assert tokenizers.open(tmp_path).size == 7


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*SPECIALS, "$", "a", "$"], "line 8 repeats `\\$` of line 6"),
        ([*SPECIALS, "", "a"], "line 6 is empty"),
        ([*SPECIALS, "a", ""], "line 7 is empty"),
        (["[PAD]", "a"], r"`\[CLS\]` is missing"),
        ([], "line 1 is empty"),
    ],
)
def test_a_faulty_vocabulary_is_refused_with_its_lines(tmp_path, lines, said):
    (tmp_path / "vocab.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        tokenizers.open(tmp_path)


def test_a_vocabulary_that_is_not_utf8_is_refused_with_the_line(tmp_path):
    (tmp_path / "vocab.txt").write_bytes("\n".join([*SPECIALS, "研"]).encode("gb18030"))
    with pytest.raises(BadInput, match=r"vocab.txt:6: not UTF-8"):
        tokenizers.open(tmp_path)


def test_a_missing_vocabulary_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"vocab\.txt"):
        tokenizers.open(tmp_path)


def test_a_vocabulary_that_keeps_capitals_is_refused(tiny, tmp_path):
    tiny.save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    with pytest.raises(BadInput, match="do_lower_case"):
        tokenizers.open(tmp_path)

"""ERNIE-M's tokenizer: its files, its rows, and where its tokens are in a text."""

import json
import random
import sys
import unicodedata

import pieces
import pytest

from ernie_core.errors import BadInput
from ernie_core.tasks import choices, windows
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.sentencepiece import letters, rules
from ernie_core.text.sentencepiece.reference import Reference
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return pieces.tokenizer()


def test_what_is_saved_opens_as_the_same(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(tokenizer.files)
    assert tokenizers.open(tmp_path) == tokenizer
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["tokenizer_class"] == "ErnieMTokenizer"


def test_a_folder_without_a_model_opens_as_word_pieces(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    for name in ("sentencepiece.bpe.model", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    assert isinstance(tokenizers.open(tmp_path), WordPieceTokenizer)


def test_a_tokenizer_that_folds_case_is_refused(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    with pytest.raises(BadInput, match="do_lower_case is `True`"):
        tokenizers.open(tmp_path)


def test_special_tokens_have_the_ids_of_ernie_m(tokenizer):
    assert (tokenizer.cls_id, tokenizer.pad_id, tokenizer.sep_id, tokenizer.unk_id) == (0, 1, 2, 3)
    assert tokenizer.mask_id == tokenizer.size - 1


def test_names_of_special_tokens_in_a_text_are_ordinary_text(tokenizer):
    for name in ("[MASK]", "a[SEP]b", "[CLS] house [PAD]", "[UNK]"):
        assert not {0, 1, 2, tokenizer.mask_id} & set(tokenizer.encode(name))


def test_a_pair_has_two_signs_between_its_texts_and_no_types(tokenizer):
    assert tokenizer.frame([7, 8], None, 9) == ([0, 7, 8, 2], [0] * 4)
    assert tokenizer.frame([7, 8], [9], 9) == ([0, 7, 8, 2, 2, 9, 2], [0] * 7)
    assert tokenizer.frame([7, 8, 5], [9, 6], 7) == ([0, 7, 8, 2, 2, 9, 2], [0] * 7)
    with pytest.raises(BadInput, match="no room for the special tokens"):
        tokenizer.frame([], [], 3)


def test_windows_begin_behind_both_signs(tokenizer):
    found = windows.encode([("house", "write read house read")], tokenizer, 8, 2, 2)
    asked, context = tokenizer.encode("house")[:2], tokenizer.encode("write read house read")
    assert len(found.input_ids) > 1
    for row, begin, at, size in zip(found.input_ids, found.begins, found.at, found.sizes, strict=True):
        assert row == [0, *asked, 2, 2, *context[begin : begin + size], 2]
        assert row[at : at + size] == context[begin : begin + size]
        assert len(row) <= 8


def test_a_window_without_room_is_told(tokenizer):
    with pytest.raises(BadInput, match="no room for a context behind a question of 2 tokens and 4 special tokens"):
        windows.encode([("house house", "write")], tokenizer, 6, 2, 2)


def test_rows_of_choices_fit(tokenizer):
    asked = ("write read house " * 9, "house read", ("read", "write house read"), "")
    for row in choices.ChoiceEncoder(tokenizer, 24).encode([asked], False).input_ids:
        assert len(row) == 24
        assert row[0] == 0 and row[-1] == 2 and row.count(2) == 4


@pytest.mark.parametrize(
    ("piece", "tokens"),
    [
        ("▁", []),
        ("▁word", ["▁word"]),
        ("▁中国人", ["中", "国", "人"]),
        ("好。", ["好", "。"]),
        ("▁2021", ["2021"]),
        ("word2021年", ["word", "2021", "年"]),
        ("12,345", ["12", ",", "345"]),
        ("digit,", ["digit", ","]),
        (",▁", [",", "▁"]),
        ("٣x", ["٣", "x"]),
        ("(a)", ["(a)"]),
    ],
)
def test_pieces_are_divided_by_erniems_rule(piece, tokens):
    assert [piece[begin:end] for begin, end in rules.parts(piece)] == tokens


def test_the_text_of_a_place_becomes_its_token(tokenizer):
    """Normalised by itself, what a token stands for is spelt as the token, unless it shares a character with others."""
    reference = Reference(tokenizer.model, {}, 0)
    rng, texts = random.Random(6), pieces.sentences(300)
    texts += ["".join(rng.choices("aé ½ﬁ,，2１.中\u3000\t북\u0301❄", k=20)) for _ in range(500)]
    for text, traced in zip(texts, tokenizer.trace(texts), strict=True):
        spans = list(zip(traced.starts.tolist(), traced.ends.tolist(), strict=True))
        assert spans == sorted(spans) and all(a < b <= len(text) for a, b in spans)
        for number, (begin, end) in enumerate(spans):
            if any(a < end and begin < b for n, (a, b) in enumerate(spans) if n != number):
                continue
            spelt = reference.normalised(text[begin:end].encode())[0].decode()
            token = tokenizer.vocab[traced.ids[number]]
            assert token == "[UNK]" or spelt.lstrip("▁") == token.lstrip("▁"), (text, begin, end)


def test_all_characters_but_spaces_have_a_token(tokenizer):
    text = "Größe  книга, 图书 2021!"
    (traced,) = tokenizer.trace([text])
    covered = {n for a, b in zip(traced.starts, traced.ends, strict=True) for n in range(a, b)}
    assert covered == {n for n, char in enumerate(text) if char != " "}


def test_which_tokens_continue_a_word():
    continuing = ["ing", "ов", "ات", "ा"]
    assert all(map(rules.continues_word, continuing))
    assert not any(map(rules.continues_word, ["▁read", "▁", "中", ",", "2021", "(", "บ้าน", "が", "[MASK]"]))


def test_which_tokens_continue_a_word_does_not_change_with_the_interpreter(monkeypatch):
    monkeypatch.setattr(unicodedata, "category", lambda character: "Lo")
    of_unicode_14 = "\u0870"
    assert not rules.continues_word(of_unicode_14)


@pytest.mark.skipif(unicodedata.unidata_version != "13.0.0", reason="the table is that of Unicode 13.0")
def test_letters_are_those_of_unicode():
    every = map(chr, range(sys.maxunicode + 1))
    assert not [char for char in every if letters.is_one(char) != (unicodedata.category(char)[0] in "LM")]

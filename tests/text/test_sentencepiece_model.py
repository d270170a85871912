"""Models that are damaged, hostile or of another kind are refused in one line."""

import random
import re
import struct

import pieces
import pytest
from pieces import field, piece

from ernie_core.errors import BadInput, NotFound
from ernie_core.text.sentencepiece import model
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.vocab import adopt

SMALL = piece("<unk>", 0, 2) + piece("▁") + piece("a") + piece("▁a", -0.5)


def test_a_model_written_by_hand_is_read():
    read = model.parse(SMALL, "small")
    assert (read.pieces, read.unknown, read.scores.tolist()) == (("<unk>", "▁", "a", "▁a"), 0, [0, -1, -1, -0.5])
    assert SentencePieceTokenizer(adopt.numbered(read), read, SMALL).tokenize("a aa b") == [
        "▁a", "▁a", "a", "[UNK]"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "no pieces"),
        (b"<html>not found</html>", "not a SentencePiece model"),
        (piece("a"), "0 pieces stand for unknown"),
        (SMALL + piece("<u>", 0, 2), "2 pieces stand for unknown"),
        (SMALL + piece("a"), "the piece `a` occurs twice"),
        (SMALL + piece(""), "a piece is empty"),
        (SMALL + piece("b" * 1000), "or more than 256"),
        (SMALL + piece("b\0c"), "has a character 0"),
        (SMALL + piece("b", float("nan")), "a score that is no number"),
        (SMALL + piece("b", 0, 9), "is of type 9"),
        (SMALL + field(1, field(1, b"\xff")), "is not UTF-8"),
        (SMALL + b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "are more than there are"),
        (SMALL + b"\x0a" + b"\xff" * 30, "no end of an integer"),
        (SMALL + b"\x0b", "wire type 3"),
        (SMALL + field(2, b"\x18\x02"), "a model of type BPE, only unigram"),
        (SMALL + field(2, b"\x98\x02\x01"), "byte_fallback"),
        (SMALL + field(2, b"\xc0\x01\x01"), "treat_whitespace_as_suffix"),
        (SMALL + field(3, b"\x28\x00"), "escape_whitespaces"),
        (SMALL + field(3, field(2, struct.pack("<I", 4096) + bytes(8))), "a table of 4096 bytes in 12"),
        (SMALL + field(3, field(2, struct.pack("<I", 4) + bytes(4) + b"x")), "no end of its last string"),
    ],
)
def test_what_is_no_usable_model_is_refused(raw, says, tmp_path):
    path = tmp_path / "sentencepiece.bpe.model"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match=re.escape(says)) as error:
        model.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_missing_model_and_a_huge_file_are_refused(tmp_path):
    with pytest.raises(NotFound, match="it is a SentencePiece model"):
        model.read(tmp_path / "a.model")
    with (tmp_path / "b.model").open("wb") as file:
        file.truncate(model.LARGEST + 1)
    with pytest.raises(BadInput, match="are no SentencePiece model"):
        model.read(tmp_path / "b.model")


def test_a_model_that_is_cut_off_is_refused_or_has_fewer_pieces():
    raw = pieces.trained()
    for size in random.Random(1).sample(range(1, len(raw)), 300):
        try:
            read = model.parse(raw[:size], "cut")
        except BadInput:
            continue
        assert len(read.pieces) <= len(model.parse(raw, "whole").pieces)


def test_damaged_bytes_never_crash_the_kernel():
    raw, rng = pieces.trained(), random.Random(2)
    texts = ["house, größ книга 图书 ½ﬁ \u3000x", "é" * 50, "ab " * 30]
    used = 0
    for _ in range(300):
        damaged = bytearray(raw)
        for _ in range(rng.choice((1, 4, 40))):
            damaged[rng.randrange(len(raw))] = rng.randrange(256)
        try:
            tokenizer = pieces.tokenizer(bytes(damaged))
        except BadInput:
            continue
        used += 1
        assert [len(traced.ids) for traced in tokenizer.trace(texts)] == list(map(len, tokenizer.encode_all(texts)))
    assert used

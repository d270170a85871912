"""The same ids as PaddleNLP's ErnieMTokenizer, and the same pieces as the sentencepiece package, on real text."""

import json
from collections.abc import Iterator
from typing import Any

import pieces
import pytest
import real_data

from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.sentencepiece import rules
from ernie_core.text.vocab import adopt

pytestmark = pytest.mark.parity
SETS = ("xnli_dev", "tatoeba_text", "xquad", "paws_x", "wikiann_panx")


@pytest.fixture(scope="module", params=["trained here", "xlnet_zh_spiece.model"])
def folder(request, tmp_path_factory):
    """A vocabulary of made-up sentences, and a real Chinese one."""
    given, found = tmp_path_factory.mktemp("given"), tmp_path_factory.mktemp("vocab")
    made = request.param == "trained here"
    raw = pieces.trained() if made else (real_data.folder("vocab") / request.param).read_bytes()
    (given / "a.model").write_bytes(raw)
    adopt.adopt(given, found)
    return found


@pytest.fixture(scope="module")
def theirs(folder):
    transformers = pytest.importorskip("paddlenlp.transformers")
    return transformers.ErnieMTokenizer(str(folder / "vocab.txt"), str(folder / "sentencepiece.bpe.model"))


def texts() -> list[str]:
    """Every different text of the sets, in 15 languages."""
    found: dict[str, None] = {}
    for name in SETS:
        for path in sorted(real_data.folder(name).iterdir()):
            if path.suffix == ".json":
                found |= dict.fromkeys(_strings(json.loads(path.read_text(encoding="utf-8"))))
            elif path.suffix in (".tsv", ".txt"):
                found |= dict.fromkeys(path.read_text(encoding="utf-8").replace("\n", "\t").split("\t"))
    return list(found)


def _strings(held: Any) -> Iterator[str]:
    if isinstance(held, str):
        yield held
    elif isinstance(held, dict | list):
        for part in held.values() if isinstance(held, dict) else held:
            yield from _strings(part)


def test_made_up_sentences_get_the_same_ids(folder, theirs):
    ours = tokenizers.open(folder)
    for text in pieces.sentences(300):
        assert ours.encode(text) == theirs.convert_tokens_to_ids(theirs.tokenize(text)), text


@pytest.mark.slow
def test_every_real_text_gets_the_same_ids(folder, theirs):
    found = texts()
    for text, ours in zip(found, tokenizers.open(folder).encode_all(found), strict=True):
        assert ours == theirs.convert_tokens_to_ids(theirs.tokenize(text)), text


def test_every_real_text_has_the_pieces_of_the_package(folder):
    package = pytest.importorskip("sentencepiece").SentencePieceProcessor(
        model_file=str(folder / "sentencepiece.bpe.model")
    )
    ours, found = tokenizers.open(folder), texts()
    spelt: dict[str, list[int]] = {}
    for text, row, cut in zip(found, ours.encode_all(found), package.encode(found, out_type=str), strict=True):
        wanted: list[int] = []
        for piece in cut:
            if piece not in spelt:
                tokens = (piece[begin:end] for begin, end in rules.parts(piece))
                spelt[piece] = [ours.ids.get(token, ours.unk_id) for token in tokens]
            wanted += spelt[piece]
        assert row == wanted, text


def test_a_saved_tokenizer_opens_in_paddlenlp(folder, theirs, tmp_path):
    tokenizers.open(folder).save(tmp_path)
    opened = type(theirs).from_pretrained(str(tmp_path))
    ours = tokenizers.open(folder)
    for a, b in (("read house", "write"), ("图书, 2021", "дом")):
        row, _ = ours.frame(ours.encode(a), ours.encode(b), 64)
        assert opened(a, b)["input_ids"] == row

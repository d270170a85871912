"""From words in several languages to a vocabulary of ERNIE-M's form, to ids, and to whole words for masks."""

import json

import numpy as np
import pieces
import pytest

from ernie_core.data import vocabulary
from ernie_core.errors import BadInput, NotFound
from ernie_core.text import inspect, segment, wordcut
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.ids import build as ids
from ernie_core.text.ids import kernel
from ernie_core.text.vocab import adopt, build

pytest.importorskip("sentencepiece")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Made-up sentences, three to a document, as words."""
    raw, made = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("words")
    lines = pieces.sentences(1500)
    text = "\n\n".join("\n".join(lines[at : at + 3]) for at in range(0, len(lines), 3))
    (raw / "all.txt").write_text(text + "\n", encoding="utf-8")
    segment.files(raw, made)
    return made


def made(words, folder, **options):
    folder.mkdir()
    figures = build.build([words], folder, recipe="sentencepiece", **{"size": 400, **options})
    return folder, figures


def test_a_vocabulary_of_many_languages_knows_its_text(words, tmp_path):
    folder, figures = made(words, tmp_path / "v")
    tokenizer = tokenizers.open(folder)
    assert figures["size"] == tokenizer.size <= 400
    assert figures["coverage"] > 0.99 and figures["unk_rate"] < 0.01
    assert tokenizer.vocab[:4] == ("[CLS]", "[PAD]", "[SEP]", "[UNK]") and tokenizer.vocab[-1] == "[MASK]"
    assert json.loads((folder / "report.json").read_text())["recipe"] == "sentencepiece"


def test_equal_words_give_an_equal_vocabulary(words, tmp_path):
    one, two = made(words, tmp_path / "a")[0], made(words, tmp_path / "b")[0]
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes(), path.name


def test_a_size_without_room_for_the_characters_is_told(words, tmp_path):
    with pytest.raises(BadInput, match="make size larger, or character_coverage smaller") as error:
        made(words, tmp_path / "v", size=30)
    assert "\n" not in str(error.value)


def test_ids_fold_to_what_the_tokenizer_gives_and_mark_words(words, tmp_path):
    folder, _ = made(words, tmp_path / "v")
    tokenizer = tokenizers.open(folder)
    encoder = kernel.make(tokenizer)
    read = vocabulary.read(folder)
    text = "reading house, книгов 图书子 1"
    line = wordcut.of_words([segment.cut(text)]).line
    encoded = encoder.encode(line)
    stored = np.frombuffer(encoded.ids, np.int32 if encoder.wide else np.uint16)
    assert read.fold[stored].tolist() == tokenizer.encode(text)
    assert read.extended == tokenizer.size + encoder.extension
    found: list[str] = []
    for number in stored:
        token = tokenizer.vocab[read.fold[number]].lstrip("▁")
        if read.joins[number]:
            found[-1] += token
        else:
            found.append(token)
    assert found == ["reading", "house", ",", "книгов", "图", "书", "子", "1"]


def test_an_artefact_of_ids_stands_alone(words, tmp_path):
    folder, _ = made(words, tmp_path / "v")
    (tmp_path / "ids").mkdir()
    figures = ids.files(words, folder, tmp_path / "ids")
    assert figures["documents"] == 500 and figures["unk_rate"] < 0.01
    assert vocabulary.read(tmp_path / "ids").digest == vocabulary.read(folder).digest
    names = [path.name for path in (tmp_path / "ids").iterdir()]
    document = inspect.of_ids(names, lambda name: tmp_path / "ids" / name, 7)
    text = "".join(pieces.sentences(1500)[21:24])
    spelt = "".join(word for sentence in document for word in sentence)
    assert spelt == text.replace(" ", "").replace("…", "...").replace("！", "!")


def test_another_model_is_another_vocabulary(words, tmp_path):
    folder, _ = made(words, tmp_path / "v")
    before = vocabulary.read(folder).digest
    (folder / "sentencepiece.bpe.model").write_bytes(pieces.trained())
    assert vocabulary.read(folder).digest != before


def test_marks_of_characters_are_refused(words, tmp_path):
    with pytest.raises(BadInput, match="marking `paddlenlp` is for WordPiece"):
        kernel.make(pieces.tokenizer(), "paddlenlp")


def test_a_document_without_tokens_is_dropped():
    encoder = kernel.make(pieces.tokenizer())
    encoded = encoder.encode(b'{"text": "   \\n"}\n{"text": "house\\n\\n \\nread\\n"}\n')
    assert (encoded.count["documents"], encoded.count["dropped_documents"]) == (1, 1)
    assert np.frombuffer(encoded.docs, np.int64).tolist() == [2]
    with pytest.raises(kernel.BadLine, match="line 2"):
        encoder.encode(b'{"text": "a"}\n[]\n')


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a", "b"], "ab"),
        (["a", " ", "b"], "a b"),
        (["a", " ", " ", "b"], "a  b"),
        ([" ", "a"], " a"),
        (["a\0", " "], "a\0 "),
    ],
)
def test_the_text_of_words_is_what_they_were_cut_from(words, text):
    assert wordcut.whole(" ".join(words)) == text


def test_a_model_is_adopted_with_its_list_or_without(tmp_path):
    for name in ("given", "alone", "with list"):
        (tmp_path / name).mkdir()
    (tmp_path / "given/m.model").write_bytes(pieces.trained())
    figures = adopt.adopt(tmp_path / "given", tmp_path / "alone")
    opened = tokenizers.open(tmp_path / "alone")
    assert opened == pieces.tokenizer() and figures["size"] == opened.size
    (tmp_path / "given/vocab.txt").write_bytes((tmp_path / "alone/vocab.txt").read_bytes())
    adopt.adopt(tmp_path / "given", tmp_path / "with list")
    assert tokenizers.open(tmp_path / "with list") == opened
    (tmp_path / "given/other.model").write_bytes(pieces.trained())
    with pytest.raises(NotFound, match=r"expected one SentencePiece model, found m\.model, other\.model"):
        adopt.adopt(tmp_path / "given", tmp_path / "alone")

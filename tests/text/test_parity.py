"""The same ids as PaddleNLP's ErnieTokenizer."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

AWKWARD = "中研１２Ａaábc9İΣςß가かが,。～①😀[MASK]# \t\r\n\0\x85\u0301\u302e\u3000\u2028\u200b\ufeff\uf900\ud800"
pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def theirs(vocabulary):
    transformers = pytest.importorskip("paddlenlp.transformers")
    return transformers.ErnieTokenizer(str(vocabulary / "vocab.txt"))


def same(tokenizer, theirs, line: str) -> bool:
    return tokenizer.encode(line) == theirs.convert_tokens_to_ids(theirs.tokenize(line))


def test_lines_of_both_corpora_get_the_same_ids(tokenizer, theirs, text):
    for file in sorted(text.glob("*.txt")):
        lines = file.read_text(encoding="utf-8").split("\n")
        for line in random.Random(7).sample(lines, 2500):
            assert same(tokenizer, theirs, line), line


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(line=st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_unicode_gets_the_same_ids(tokenizer, theirs, line):
    assert same(tokenizer, theirs, line)


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(line=st.text(AWKWARD))
def test_awkward_neighbours_get_the_same_ids(tokenizer, theirs, line):
    assert same(tokenizer, theirs, line)


@pytest.mark.filterwarnings("ignore:Be aware")
@given(a=st.integers(0, 20), b=st.none() | st.integers(0, 20), length=st.integers(3, 24))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_frames_and_token_types_are_the_same(tokenizer, theirs, a, b, length):
    first, second = "中" * a, None if b is None else "国" * b
    there = theirs(first, second, max_length=length, truncation=True)
    ours = tokenizer.frame(tokenizer.encode(first), None if second is None else tokenizer.encode(second), length)
    assert ours == (there["input_ids"], there["token_type_ids"])


def test_what_is_saved_reads_as_an_ernie_tokenizer(tokenizer, theirs, tmp_path):
    tokenizer.save(tmp_path)
    read = type(theirs).from_pretrained(str(tmp_path))
    assert read("研究abc")["input_ids"] == theirs("研究abc")["input_ids"]
    assert read.vocab_size == tokenizer.size

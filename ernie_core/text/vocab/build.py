"""A vocabulary for a corpus: special tokens, Han characters, Latin word pieces, and other characters of the corpus."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ernie_core.errors import BadInput
from ernie_core.progress import Progress, Stop, never, silent
from ernie_core.store.files import StoredFile, below
from ernie_core.text import normalise, wordcut
from ernie_core.text import pieces as cutting
from ernie_core.text.basics import ASCII, SPECIALS, forms
from ernie_core.text.ids import marks
from ernie_core.text.ids.id_files import dtype
from ernie_core.text.pieces import Piece
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.vocab import census, chunks, english, pieces_trained
from ernie_core.text.vocab.census import Census
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

LEAST, MOST = 64 << 20, 1 << 40
"""Fewest and most bytes of a piece: counting is fast, but reading the counts of many pieces is not."""
VocabRecipe = Literal["merge", "whole", "sentencepiece"]
_SAMPLE = 1 << 20
_LISTED = 50


@dataclass(frozen=True)
class Classes:
    """The tokens of a vocabulary in their order, by class, and the number of each class that did not fit."""

    specials: tuple[str, ...]
    han: tuple[str, ...]
    english: tuple[str, ...]
    characters: tuple[str, ...]
    dropped: Mapping[str, int]

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens; a token's position is its id."""
        return self.specials + self.han + self.english + self.characters


def pieces(words: Sequence[StoredFile]) -> list[Piece]:
    """The pieces of counting for the word-cut parts among these files. BadInput if there is none."""
    return wordcut.cut(words, LEAST, MOST)


def piece(
    words: Sequence[StoredFile],
    piece: Piece,
    number: int,
    counts: Path,
    *,
    recipe: VocabRecipe = "merge",
    sample: int | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Count one piece, or its part of a sample of `sample` bytes of all words, and write the counts."""
    normalise.check_unicode()
    if recipe == "sentencepiece":
        choice = census.choose(words, piece, chunks.SAMPLE if sample is None else sample)
        found = chunks.take(words, choice, held_out_size=_SAMPLE, progress=progress, stop=stop)
        found.save(counts)
        return {"documents": float(found.documents), "bytes": float(found.bytes)}
    found = census.take(
        words, census.choose(words, piece, sample), held_out_size=_SAMPLE, every_script=recipe == "whole",
        progress=progress, stop=stop,
    )  # fmt: skip
    found.save(counts)
    return {"documents": float(found.documents), "bytes": float(found.bytes)}


def join(
    made: Sequence[Path],
    vocab: Path,
    *,
    size: int = 40000,
    english_size: int = 17000,
    min_count: int = 10,
    han: Literal["all", "seen"] = "all",
    recipe: VocabRecipe = "merge",
    character_coverage: float = pieces_trained.COVERAGE,
    scratch: Path | None = None,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Write a vocabulary of at most `size` tokens by the counts of all pieces, and `report.json` on its coverage.

    Characters other than Han, and words, need `min_count` occurrences to count. `merge` learns at most
    `english_size` pieces of Latin words; `whole` learns pieces of all words of letters, whatever their script, until
    `size` is reached. Han are whole tokens in both. `sentencepiece` trains a SentencePiece model and makes the
    vocabulary of ERNIE-M's form from it; characters count that make up `character_coverage` of the text. What is
    needed for a while goes to `scratch`, by default the system's folder for such files.
    """
    counted = Census()
    for folder in made:
        if recipe == "sentencepiece":
            chunks.add(counted, census.load(folder))
        else:
            counted.add(census.load(folder))
    if recipe == "sentencepiece":
        return pieces_trained.write(
            counted, vocab, size=size, character_coverage=character_coverage, scratch=scratch, progress=progress,
            stop=stop,
        )  # fmt: skip
    if not counted.characters:
        raise BadInput("no text in the words: a vocabulary needs some to count")
    whole = recipe == "whole"
    learnt, why_not = _pieces(counted, size if whole else english_size, min_count, whole)
    classes = choose(counted.characters, learnt, size=size, min_count=min_count, han=han)
    tokenizer = WordPieceTokenizer(classes.tokens)
    tokenizer.save(vocab)
    report = {"recipe": recipe, **_report(tokenizer, classes, counted, why_not)}
    if whole:
        report["pieces"] = report.pop("english")
    (vocab / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return {k: float(v) for k, v in report.items() if isinstance(v, int | float)}


def build(
    words: Sequence[Path],
    vocab: Path,
    *,
    size: int = 40000,
    english_size: int = 17000,
    min_count: int = 10,
    han: Literal["all", "seen"] = "all",
    recipe: VocabRecipe = "merge",
    sample: int | None = None,
    character_coverage: float = pieces_trained.COVERAGE,
    progress: Progress = silent,
    stop: Stop = never,
) -> dict[str, float]:
    """Write a vocabulary for folders of words, with `piece` and `join`."""
    found = [file for folder in words for file in below(folder)]
    todo = pieces(found)

    def make(one: Piece, number: int, folder: Path) -> None:
        own = cutting.onwards(progress, todo, number)
        piece(found, one, number, folder, recipe=recipe, sample=sample, progress=own, stop=stop)

    with cutting.made_here(todo, vocab, make) as made:
        return join(
            made, vocab, size=size, english_size=english_size, min_count=min_count, han=han, recipe=recipe,
            character_coverage=character_coverage, progress=progress, stop=stop,
        )  # fmt: skip


def choose(
    counts: Mapping[str, int], pieces: Sequence[str], *, size: int, min_count: int, han: Literal["all", "seen"]
) -> Classes:
    """The tokens of a vocabulary, all of which the tokenizer can produce.

    Han by descending count, those that do not occur last if `all`; Latin pieces in their order, then other characters
    by descending count; equal counts by code point. Where `size` is short, the last pieces go first, then the rarest
    characters, then, with `seen`, the rarest Han: pieces only save tokens, an absent character is unknown.
    """
    ordered = sorted(counts, key=lambda c: (-counts[c], c))
    all_han = [c for c in ordered if normalise.is_han(c)]
    if han == "all":
        all_han += [c for c in map(chr, normalise.HAN) if c not in counts]
    basic = forms(ASCII)
    others = forms(c for c in ordered if counts[c] >= min_count and not normalise.is_han(c) and c not in ASCII)
    room = size - len(SPECIALS) - len(basic) - (len(all_han) if han == "all" else 0)
    if room < 0:
        remedy = f"make it at least {size - room}" + (", or set `han: seen`" if han == "all" else "")
        raise BadInput(f"size {size} cannot hold the special tokens, ASCII characters and required Han: {remedy}")
    kept_han = all_han if han == "all" else all_han[:room]
    kept_others = others[: size - len(SPECIALS) - len(basic) - len(kept_han)]
    characters = (*basic, *kept_others)
    new = [p for p in dict.fromkeys(pieces) if p not in set(characters)]
    kept_new = new[: size - len(SPECIALS) - len(kept_han) - len(characters)]
    dropped = {
        "han": len(all_han) - len(kept_han),
        "english": len(new) - len(kept_new),
        "characters": len(others) - len(kept_others),
    }
    return Classes(SPECIALS, tuple(kept_han), tuple(kept_new), characters, dropped)


def _pieces(counted: Census, size: int, min_count: int, whole: bool) -> tuple[list[str], str]:
    frequent = {word: n for word, n in counted.words.items() if n >= min_count}
    occurrences = sum(frequent.values())
    if size <= 0:
        return [], f"english_size is {size}"
    if occurrences < english.ENOUGH:
        held = f"words that occur {min_count} times or more make up {occurrences} occurrences"
        return [], f"too little {'text in letters' if whole else 'Latin text'}: {held}, {english.ENOUGH} are needed"
    return english.pieces(frequent, size), ""


def _report(tokenizer: Tokenizer, classes: Classes, counted: Census, why_not: str) -> dict[str, object]:
    sample = counted.held_out
    seen = census.characters(Counter(map(ord, "".join(sample))))
    known = sum(n for c, n in seen.items() if c in tokenizer.ids)
    ids = [number for sentence in sample for number in tokenizer.encode(sentence)]
    unknown = Counter({c: n for c, n in counted.characters.items() if c not in tokenizer.ids})
    listed = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[:_LISTED]
    extension = len(marks.extension(tokenizer.vocab))
    return {
        "size": tokenizer.size,
        "specials": len(classes.specials),
        "han": len(classes.han),
        "english": len(classes.english),
        "characters": len(classes.characters),
        "dropped": {k: {"count": n, "why": "no room within size"} for k, n in classes.dropped.items() if n},
        "no_english_because": why_not,
        "extension": extension,
        "ids_dtype": dtype(tokenizer.size + extension),
        "documents": counted.documents,
        "bytes": counted.bytes,
        "held_out_characters": sum(seen.values()),
        "held_out_tokens": len(ids),
        # without a sample there is no figure: 0 would pass or fail a bound
        **({"coverage": known / sum(seen.values())} if seen else {}),
        **({"unk_rate": ids.count(tokenizer.unk_id) / len(ids)} if ids else {}),
        "unknown_character_rate": sum(unknown.values()) / sum(counted.characters.values()),
        "unknown_characters": [{"character": c, "count": n} for c, n in listed],
    }

"""ERNIE-M's tokenizer beside PaddleNLP's and the sentencepiece package alone, on the texts of XNLI in each language.

Run with `python benchmarks/pieces.py DATA [--model FILE] [--rounds N]` in the environment of the tests; DATA holds the
published `dev-*.tsv` of XNLI, FILE is a SentencePiece model; without one, a model of 8,000 pieces is trained on the
texts. A figure is MB (2^20 bytes of UTF-8) a CPU second on one core; all give lists of ids, and the same ones.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sentencepiece
from ways import Row, cell, take_turns, version, work

from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.vocab import adopt

SLOW = 300
"""Texts of a language that PaddleNLP encodes in a round."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    texts = {path.stem.removeprefix("dev-"): read(path) for path in sorted(chosen.data.glob("dev-*.tsv"))}
    with tempfile.TemporaryDirectory() as home:
        model = chosen.model or trained(texts, Path(home, "trained.model"))
        vocab = Path(home, "vocab")
        vocab.mkdir()
        adopt.adopt(model, vocab)
        rows = [row(vocab, "all", [text for held in texts.values() for text in held])]
        rows += [row(vocab, language, held) for language, held in texts.items()]
        figures = take_turns(rows, chosen.rounds)
    print("| texts | ours | PaddleNLP's | sentencepiece alone | ours, ids as an array |\n|---|---|---|---|---|")
    for one in rows:
        cells = [cell(way, figures, chosen.rounds) for way in (one.ours, one.reference, *one.peers)]
        print(f"| {one.corpus} | {' | '.join(cells)} |")


def read(path: Path) -> list[str]:
    """The texts of a file, each once."""
    fields = path.read_text(encoding="utf-8").replace("\n", "\t").split("\t")
    return [text for text in dict.fromkeys(fields) if " " in text or len(text) > 12]


def trained(texts: dict[str, list[str]], path: Path) -> Path:
    """A model of 8,000 pieces."""
    found = io.BytesIO()
    sentences = (text for held in texts.values() for text in held)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=sentences, model_writer=found, vocab_size=8000, minloglevel=2
    )
    path.write_bytes(found.getvalue())
    return path


def row(vocab: Path, language: str, texts: Sequence[str]) -> Row:
    """The ways to encode texts. AssertionError if their ids differ."""
    from paddlenlp.transformers import ErnieMTokenizer

    ours = tokenizers.open(vocab)
    assert isinstance(ours, SentencePieceTokenizer)
    paths = str(vocab / "vocab.txt"), str(vocab / "sentencepiece.bpe.model")
    theirs, alone = ErnieMTokenizer(*paths), sentencepiece.SentencePieceProcessor(model_file=paths[1])
    few = texts[:: max(1, len(texts) // SLOW)]

    def encoded() -> list[list[int]]:
        return [theirs.convert_tokens_to_ids(theirs.tokenize(text)) for text in few]

    assert encoded() == ours.encode_all(few), f"the ids of {language} differ"
    size, sample = (sum(len(text.encode()) for text in held) for held in (texts, few))
    return Row(
        "ids",
        language,
        work("", size, lambda: ours.encode_all(texts)),
        work(version("paddlenlp"), sample, encoded),
        (
            work(version("sentencepiece"), size, lambda: alone.encode(texts, out_type=int, num_threads=1)),
            work("", size, lambda: ours.encode_flat(texts)),
        ),
    )


if __name__ == "__main__":
    main()

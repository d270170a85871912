"""Word pieces for Latin words, learnt from how often each occurs."""

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path

ENOUGH = 1000
"""Occurrences of Latin words that a vocabulary can be learnt from."""


def pieces(words: Mapping[str, int], size: int) -> list[str]:
    """At most `size` pieces by byte pair encoding, the most useful first: `word`, or `##piece` inside one.

    `words` are lower-case ASCII letters and digits with their counts. A piece never mixes letters and digits.
    """
    import sentencepiece

    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "words.tsv")
        ordered = sorted(words.items(), key=lambda item: (-item[1], item[0]))
        table.write_text("".join(f"{word}\t{count}\n" for word, count in ordered), encoding="ascii")
        sentencepiece.SentencePieceTrainer.train(
            input=str(table), input_format="tsv", model_writer=model, model_type="bpe", vocab_size=size + 3,
            hard_vocab_limit=False, normalization_rule_name="identity", character_coverage=1.0, num_threads=1,
            minloglevel=2,
        )  # fmt: skip
    learnt = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    found = [learnt.id_to_piece(n) for n in range(3, learnt.get_piece_size())]  # the first three are its own specials
    return [p.removeprefix("▁") if p.startswith("▁") else f"##{p}" for p in found if p != "▁"]

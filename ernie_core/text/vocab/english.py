"""Word pieces for words of letters, learnt from the counts of words."""

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path

ENOUGH = 1000
"""Fewest occurrences of words from which a vocabulary can be learnt."""


def pieces(words: Mapping[str, int], size: int) -> list[str]:
    """At most `size` pieces by byte pair encoding, the most useful first: `word`, or `##piece` inside one.

    `words` are normalised, with their counts. A piece never mixes scripts, or letters and digits. Beyond ASCII a piece
    is of two characters or more: which characters a vocabulary holds is decided by their own counts.
    """
    import sentencepiece

    model = io.BytesIO()
    beyond_ascii = {c for word in words if not word.isascii() for c in word if not c.isascii()}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "words.tsv")
        ordered = sorted(words.items(), key=lambda item: (-item[1], item[0]))
        table.write_text("".join(f"{word}\t{count}\n" for word, count in ordered), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(table), input_format="tsv", model_writer=model, model_type="bpe", hard_vocab_limit=False,
            vocab_size=size + len(beyond_ascii) + 3, normalization_rule_name="identity", character_coverage=1.0,
            num_threads=1, minloglevel=2,
        )  # fmt: skip
    learnt = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    found = [learnt.id_to_piece(n) for n in range(3, learnt.get_piece_size())]  # the first three are its own specials
    made = [p.removeprefix("▁") if p.startswith("▁") else f"##{p}" for p in found if p != "▁"]
    return [p for p in made if p.isascii() or len(p.removeprefix("##")) > 1][:size]

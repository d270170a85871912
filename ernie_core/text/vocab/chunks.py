"""Counting what stands between spaces: from these counts SentencePiece learns pieces, as from the text itself."""

import re
from collections import Counter
from collections.abc import Sequence

from ernie_core.errors import Stopped
from ernie_core.progress import Progress, Stop
from ernie_core.store.files import StoredFile
from ernie_core.text import wordcut
from ernie_core.text.sentencepiece import rules
from ernie_core.text.vocab import census
from ernie_core.text.vocab.census import HELD_OUT, Census, Choice

SAMPLE = 256 << 20
"""Bytes of words that are counted unless a spec says otherwise: memory grows with the number of different words."""
LONGEST = 1000
"""Characters from which what stands between spaces is ignored; where a script has none, it is a whole sentence."""
_ALONE = re.compile(f"([\u4e00-\u9fff{re.escape(rules.MARKS)}])")


def of(sentence: str) -> list[str]:
    """What stands between spaces, with Han characters and marks apart: they are tokens of their own anyway."""
    return _ALONE.sub(r" \1 ", sentence).split()


def take(words: Sequence[StoredFile], choice: Choice, *, held_out_size: int, progress: Progress, stop: Stop) -> Census:
    """Count the word-cut text of the blocks; every `HELD_OUT`th document is held out, up to `held_out_size` bytes of
    them, spread over the blocks of all pieces."""
    found, kept = Census(), 0
    counts = Counter[str]()
    for due, part, begin, lines in census.blocks(words, choice, held_out_size):
        if stop():
            raise Stopped(f"stopped after {found.documents} documents")
        found.bytes += len(lines)
        for line in lines.removesuffix(b"\n").split(b"\n"):
            place = f"{part} behind byte {begin}"
            sentences = [wordcut.whole(sentence) for sentence in wordcut.text(line, place).split("\n") if sentence]
            found.documents += 1
            if found.documents % HELD_OUT == 0 and kept < due:
                found.held_out += sentences
                kept += len(line) + 1
                continue
            for sentence in sentences:
                counts.update(of(sentence))
        progress(found.bytes, choice.size, "B", documents=found.documents)
    found.words = Counter({chunk: n for chunk, n in counts.items() if len(chunk) < LONGEST})
    return found

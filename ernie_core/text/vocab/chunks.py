"""Counting what stands between spaces: from these counts SentencePiece learns pieces, as from the text itself.

A chunk with a space before it begins a word; one without continues what was before it in the text.
"""

import functools
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from ernie_core.errors import Stopped
from ernie_core.progress import Progress, Stop
from ernie_core.store.files import StoredFile
from ernie_core.text import wordcut
from ernie_core.text.sentencepiece import rules
from ernie_core.text.vocab import census
from ernie_core.text.vocab.census import HELD_OUT, Census, Choice

SAMPLE = 256 << 20
"""Bytes of words that are counted unless a spec says otherwise."""
MOST = 1 << 23
"""Characters of different chunks that are kept: training takes up to 130 bytes of memory for each, and a step has 2 GiB
unless its spec says otherwise."""
LONGEST = 1000
"""Characters from which a chunk is ignored: it is an address or data, and no word."""
CUT = 32
"""Characters after which text of a script without spaces is cut, where a chunk would be a whole sentence: pieces have
at most 16, and few of them lie across a cut."""
_ALONE = f"\u4e00-\u9fff{re.escape(rules.MARKS)}"
_CHUNK = re.compile(f" ?(?:[{_ALONE}]|[^ {_ALONE}]+)")


def of(sentence: str) -> list[str]:
    """The chunks of a sentence, with Han characters and marks apart: they are tokens of their own anyway."""
    found = _CHUNK.findall(" " + " ".join(sentence.split()))
    if all(len(chunk) <= CUT for chunk in found):
        return found
    return [part for chunk in found for part in _run().sub("\\g<0>\n", chunk).split("\n") if part]


def add(counted: Census, other: Census) -> None:
    """Add the counts of the text after this, and leave out chunks until the others have at most `MOST` characters.

    All counts are halved then, and half of the odd ones are rounded up, chosen by a hash: every language keeps its
    share, as in a smaller sample. Only lowering counts by one would drop all the sentences of a script without spaces,
    of which each occurs once.
    """
    while other.scale < counted.scale:
        _halve(other, counted.documents)
    while counted.scale < other.scale:
        _halve(counted, other.documents)
    counted.add(other, forget=False)
    while sum(map(len, counted.words)) > MOST:
        _halve(counted, 0)


def take(words: Sequence[StoredFile], choice: Choice, *, held_out_size: int, progress: Progress, stop: Stop) -> Census:
    """Count the word-cut text of the blocks; every `HELD_OUT`th document is held out, up to `held_out_size` bytes of
    them, spread over the blocks of all pieces."""
    found, kept = Census(), 0
    for due, part, begin, lines in census.blocks(words, choice, held_out_size):
        if stop():
            raise Stopped(f"stopped after {found.documents} documents")
        block, counts = Census(bytes=len(lines)), Counter[str]()
        for line in lines.removesuffix(b"\n").split(b"\n"):
            place = f"{part} behind byte {begin}"
            sentences = [wordcut.whole(sentence) for sentence in wordcut.text(line, place).split("\n") if sentence]
            block.documents += 1
            if (found.documents + block.documents) % HELD_OUT == 0 and kept < due:
                block.held_out += sentences
                kept += len(line) + 1
                continue
            for sentence in sentences:
                counts.update(of(sentence))
        block.words = Counter({chunk: n for chunk, n in counts.items() if len(chunk) < LONGEST})
        add(found, block)
        progress(found.bytes, choice.size, "B", documents=found.documents)
    return found


def _halve(counted: Census, salt: int) -> None:
    """Halve all counts. Another salt, scale or number of documents chooses other chunks to round up."""
    start = blake2b(f"{salt} {counted.documents} {counted.scale}".encode(), digest_size=1)
    halves = ((chunk, n // 2 + (n % 2 and _coin(start, chunk))) for chunk, n in counted.words.items())
    kept = Counter({chunk: n for chunk, n in halves if n})
    counted.left_out += len(counted.words) - len(kept)
    counted.words, counted.scale = kept, 2 * counted.scale


def _coin(start: "blake2b", chunk: str) -> int:
    toss = start.copy()
    toss.update(chunk.encode("utf-8", "surrogatepass"))
    return toss.digest()[0] & 1


@functools.cache
def _run() -> "re.Pattern[str]":
    """`CUT` characters of scripts without spaces, and the signs on the last of them."""
    ranges = "".join(f"{chr(first)}-{chr(last)}" for first, last in rules.WITHOUT_SPACES)
    signs = (chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M")
    return re.compile(f"[{ranges}]{{{CUT}}}[{''.join(signs)}]*")

"""How ERNIE-M divides the pieces of SentencePiece further, as PaddleNLP's `ErnieMTokenizer` does.

Han characters and common punctuation marks are tokens of their own, and digits are apart from what is beside them.
"""

from collections.abc import Sequence

from ernie_core.text.basics import SPECIALS
from ernie_core.text.sentencepiece import letters

SPACE = "\u2581"
"""The sign that stands for a space: the first character of a piece that begins a word."""
MARKS = ",;:.?!~，；：。？！《》【】"
_DIGITS = (
    "30-39 b2-b3 b9 660-669 6f0-6f9 7c0-7c9 966-96f 9e6-9ef a66-a6f ae6-aef b66-b6f be6-bef c66-c6f ce6-cef "
    "d66-d6f de6-def e50-e59 ed0-ed9 f20-f29 1040-1049 1090-1099 1369-1371 17e0-17e9 1810-1819 1946-194f "
    "19d0-19da 1a80-1a89 1a90-1a99 1b50-1b59 1bb0-1bb9 1c40-1c49 1c50-1c59 2070 2074-2079 2080-2089 2460-2468 "
    "2474-247c 2488-2490 24ea 24f5-24fd 24ff 2776-277e 2780-2788 278a-2792 a620-a629 a8d0-a8d9 a900-a909 "
    "a9d0-a9d9 a9f0-a9f9 aa50-aa59 abf0-abf9 ff10-ff19 104a0-104a9 10a40-10a43 10d30-10d39 10e60-10e68 "
    "11052-1105a 11066-1106f 110f0-110f9 11136-1113f 111d0-111d9 112f0-112f9 11450-11459 114d0-114d9 11650-11659 "
    "116c0-116c9 11730-11739 118e0-118e9 11950-11959 11c50-11c59 11d50-11d59 11da0-11da9 16a60-16a69 16b50-16b59 "
    "1d7ce-1d7ff 1e140-1e149 1e2f0-1e2f9 1e950-1e959 1f100-1f10a 1fbf0-1fbf9 "
)
"""Code points in hex for which `str.isdigit` is true in Unicode 13.0: ids must not change with the interpreter."""


WITHOUT_SPACES = (
    (0xE00, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x312F), (0x31A0, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Code points of scripts without spaces between words."""


def digit_ranges() -> list[tuple[int, int]]:
    """First and last code point of every run of digits, in order."""
    return letters.spelt(_DIGITS)


_IS_DIGIT = frozenset(chr(code) for first, last in digit_ranges() for code in range(first, last + 1))


def stands_alone(character: str) -> bool:
    """Whether a character is always a token: Han from U+4E00 to U+9FFF, and `MARKS`."""
    return "\u4e00" <= character <= "\u9fff" or character in MARKS


def continues_word(token: str) -> bool:
    """Whether a token of the vocabulary continues the word of the token before it, for masks of whole words.

    It begins with a letter, or a sign that belongs to one, of a script that is written with spaces between words. In
    the others (Han, kana, Thai, Lao, Tibetan, Burmese, Khmer) every token is a word, as are numbers, marks, and the
    special tokens.
    """
    if token in SPECIALS or token[0] == SPACE or not letters.is_one(token[0]):
        return False
    code = ord(token[0])
    return not any(first <= code <= last for first, last in WITHOUT_SPACES)


def extension(vocab: Sequence[str]) -> dict[int, int]:
    """Id of every token that continues a word -> the id that id files have for it where it begins one, from the size of
    the vocabulary on: its sign of a space is then a piece of its own, which is no token."""
    continuing = [number for number, token in enumerate(vocab) if continues_word(token)]
    return {number: len(vocab) + place for place, number in enumerate(continuing)}


def parts(piece: str) -> list[tuple[int, int]]:
    """The tokens of a piece as spans of its characters; signs of a space that are left alone are in none."""
    if piece == SPACE:
        return []
    found, begin = [], 0

    def end(at: int) -> None:
        if at > begin and piece[begin:at] != SPACE:
            found.append((begin, at))

    for at, character in enumerate(piece):
        if character == SPACE:
            continue
        if stands_alone(character):
            end(at)
            found.append((at, at + 1))
            begin = at + 1
        elif at and (character in _IS_DIGIT) != (piece[at - 1] in _IS_DIGIT):
            end(at)
            begin = at
    if len(piece) > begin:
        found.append((begin, len(piece)))
    return found

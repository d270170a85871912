"""Word-cut lines that nobody would write: any Unicode, and what is awkward for normalising, cutting and marking."""

import random
import sys
from collections.abc import Iterator

from ernie_core.text.basics import SPECIALS
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

HAN = "研究生命卡拉恤犇豈"
LATIN = "abcxyzABCXYZÁÉßİıŁΣςσǅﬁ0123456789"
WIDE = "０１９ａｚＡＺ～，。！？（）￥％"
MARKS = "\u0301\u0308\u0327\u0345\u05b0\u0e31\u0ccd\u0cc0\u0f71\u20dd\u093e\u09be"
REORDERED = (
    "\u302e\u302f\u1b44\u1baa\ua953\U00016ff0\U0001d165\U0001d16d\U0001d16e\U0001d15e\U0001d1bf\u0cc0\u0301\u0327"
)
RIGHT_TO_LEFT = "שלוםمرحباًٌ\u200f\u202b\u202c"
EMOJI = "😀👩\u200d👧👍🏽🇨🇳❤\ufe0f☺"
KOREAN_AND_KANA = "가힣각각かがカガﾊﾟ"
SPACES = "    \u3000\u2028\u2029\u200a\u00a0\x85\t\x0b\x1c\r"
DROPPED = "\0\u200b\ufeff\ufffd\ue000\U000e0041\u0378\ud800\udfff"
SYMBOLS = ",.[]#$%^~`=≠①©№\u00ad\u00b2µØŋƱ〇“”…—\u037e\u2126"
RARE_HAN = "㐀䶿鿼\uf900\ufa0e\ufaff\U00020000\U0002a6dd\U0002f800\U0002fa1d\U00030000⾬"
POOLS = (HAN, HAN, LATIN, WIDE, MARKS, REORDERED, RIGHT_TO_LEFT, EMOJI, KOREAN_AND_KANA, SPACES, DROPPED, SYMBOLS)
POOLS += (RARE_HAN,)


def lines(seed: int, count: int) -> Iterator[str]:
    """Lines without a newline, the same ones for the same seed."""
    dice = random.Random(seed)
    for _ in range(count):
        yield _line(dice)


def every_code_point() -> Iterator[str]:
    """Each alone, doubled, beside Han, beside a letter, and between two marks that it may let pass each other."""
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if char != "\n":
            yield f"{char} 研{char}究 {char}{char} a{char}b {char}研究{char} a\u302e{char}\U00016ff0"


def tokenizer() -> Tokenizer:
    """A vocabulary in which the lines above meet every rule: pieces of words, marked forms, symbols, rare Han."""
    held = "研究生命卡拉恤豈abcxyzß０１９ａｚ，。“…か㐀\U00020000～=≠#[😀가ᄀ\u302eωσłŋ〇①$%"
    pieces = "ok ab abc bcx xyz ##究 ##a ##b ##c ##x ##bc ##xyz ##1 ##12 123 1 mask ش"
    inner = "かᅡᆨل\u302e\U00016ff0\U0001d165\U0001d158σ０１ａ"
    return WordPieceTokenizer((*SPECIALS, *held, *pieces.split(), *(f"##{char}" for char in inner)))


def _line(dice: random.Random) -> str:
    style = dice.random()
    if style < 0.1:
        return "".join(map(_any, [dice] * dice.randint(0, 40))).replace("\n", "")
    if style < 0.15:
        pool = dice.choice((HAN, LATIN, REORDERED, MARKS + "a"))
        return " ".join(_word(dice, pool, dice.randint(90, 110)) for _ in range(dice.randint(1, 3)))
    pools = dice.sample(POOLS, dice.randint(1, 4)) if style < 0.6 else POOLS
    gaps = (" ", " ", " ", " ", "  ", "   ", "    ", " " * dice.randint(1, 9), "")
    return "".join(_word(dice, dice.choice(pools), _size(dice)) + dice.choice(gaps) for _ in range(dice.randint(0, 14)))


def _size(dice: random.Random) -> int:
    return min(dice.randint(1, 9), dice.randint(1, 9))


def _word(dice: random.Random, pool: str, size: int) -> str:
    return "".join(dice.choices(pool, k=size))


def _any(dice: random.Random) -> str:
    return chr(dice.randrange(dice.choice((0x80, 0x800, 0x3400, 0xFFFF, sys.maxunicode)) + 1))

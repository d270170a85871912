"""Exact match and F1 of extracted answers, by the rules of CMRC 2018 and of SQuAD.

`cmrc2018`, the published script of that data set (github.com/ymcui/cmrc2018, squad-style-data): texts in lower case
and without the punctuation in `_MARKS`; F1 counts the longest run of segments, each a Chinese character or a Latin
word, that both answers have. `squad`, that of SQuAD 1.1 and 2.0 (arXiv:1606.05250, 1806.03822) with a Chinese character
as a word: lower case, no punctuation, no English article; F1 counts the words that both have, in any order.

Both take the best of several true answers. No answer is right only where there is none.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
"""The marks of the script of CMRC 2018. Its `……` is two characters and so never equal to one: an ellipsis stays."""
_HAN = re.compile(r"[\u4e00-\u9fa5]")
_SPLIT = r"\[\](){}<>;@#$%&?!\""
_LATIN = re.compile(rf"\.{{3}}|[{_SPLIT},]|(?:(?!\.{{3}})[^\s{_SPLIT},]|(?<=\d),(?=\d))+")
"""Words and marks of what is not Chinese, as NLTK's tokenizer separates them, which the script uses; but contractions
stay whole."""
_SYMBOLS = frozenset("$+<=>^`|~")
"""The marks of ASCII that are symbols in Unicode."""
_ARTICLES = re.compile(r"\b(a|an|the)\b")


@dataclass(frozen=True)
class Rule:
    """How two answers are compared."""

    plain: Callable[[str], str]
    """A text as exact match compares it."""
    segments: Callable[[str], list[str]]
    """The units of F1."""
    common: Callable[[Sequence[str], Sequence[str]], int]
    """Number of units that two texts share."""


def exact_match(rule: str, prediction: str, answers: Sequence[str]) -> float:
    """1 if a prediction equals one of the true answers, else 0; an empty text stands for no answer."""
    plain = RULES[rule].plain
    return float(any(_both(prediction, answer) and plain(prediction) == plain(answer) for answer in answers))


def f1(rule: str, prediction: str, answers: Sequence[str]) -> float:
    """The largest F1 of a prediction with one of the true answers."""
    return max(_f1(RULES[rule], prediction, answer) for answer in answers)


def _f1(rule: Rule, prediction: str, answer: str) -> float:
    if not _both(prediction, answer):
        return 0.0
    if not prediction:
        return 1.0
    one, two = rule.segments(prediction), rule.segments(answer)
    common = rule.common(one, two)
    return 2 * common / (len(one) + len(two)) if common else 0.0


def _both(prediction: str, answer: str) -> bool:
    """Whether both are an answer, or both are none."""
    return bool(prediction) == bool(answer)


def _cmrc_plain(text: str) -> str:
    return "".join(char for char in text.lower().strip() if char not in _MARKS)


def _cmrc_segments(text: str) -> list[str]:
    found: list[str] = []
    for part in re.split(r"([\u4e00-\u9fa5])", _cmrc_plain(text)):
        found += [part] if _HAN.match(part) else _latin(part)
    return found


def _latin(text: str) -> list[str]:
    """Words and marks; a full stop is a mark at the end only."""
    found: list[str] = _LATIN.findall(text)
    if found and len(found[-1]) > 1 and found[-1].endswith(".") and not found[-1].endswith(".."):
        found[-1:] = [found[-1][:-1], "."]
    return found


def _longest_run(one: Sequence[str], two: Sequence[str]) -> int:
    """The length of the longest common run."""
    longest, above = 0, [0] * (len(two) + 1)
    for unit in one:
        row = [0] * (len(two) + 1)
        for at, other in enumerate(two, 1):
            if unit == other:
                row[at] = above[at - 1] + 1
        longest, above = max(longest, max(row)), row
    return longest


def _squad_plain(text: str) -> str:
    bare = "".join(c for c in text.lower() if not (c in _SYMBOLS or unicodedata.category(c).startswith("P")))
    return " ".join(_ARTICLES.sub(" ", bare).split())


def _squad_segments(text: str) -> list[str]:
    return _HAN.sub(r" \g<0> ", _squad_plain(text)).split()


def _shared(one: Sequence[str], two: Sequence[str]) -> int:
    return (Counter(one) & Counter(two)).total()


RULES: Mapping[str, Rule] = {
    "cmrc2018": Rule(_cmrc_plain, _cmrc_segments, _longest_run),
    "squad": Rule(_squad_plain, _squad_segments, _shared),
}
"""By the name in `metric` of a data set's `task.json`."""

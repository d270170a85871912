"""Gates: `require: {accuracy: ">=0.75"}` stops a run before the next step when a score is out of bounds."""

import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.contract.base import Unmeasured

from components.contract.scores import Score
from ernie_core.wording import choice, shorten

_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_MEANT = {"=>": ">=", "=<": "<=", "≥": ">=", "≤": "<=", "＞": ">", "＜": "<", ">>": ">", "<<": "<"}
_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"


@dataclass(frozen=True)
class Gate:
    """A bound on one score of a step."""

    score: str
    sign: str
    bound: float

    @classmethod
    def parse(cls, score: str, text: object) -> "Gate":
        """`">=0.75"` or `"<0.5%"`. ValueError with the remedy."""
        found = re.fullmatch(rf"\s*(>=|<=|>|<)\s*({_NUMBER})\s*(%?)\s*", str(text), re.ASCII)
        if not found:
            raise ValueError(f"`{shorten(text)}` is not a bound, {_remedy(str(text))}")
        bound = float(found[2]) / (100 if found[3] else 1)
        if not math.isfinite(bound):
            raise ValueError(f"`{shorten(text)}` is not a bound: the number is not finite, {_remedy('')}")
        return cls(score, found[1], bound)

    def __str__(self) -> str:
        return f"{self.score} {self.sign} {self.bound:g}"

    @property
    def text(self) -> str:
        """What `parse` makes the same gate of."""
        return f"{self.sign}{self.bound!r}"

    def vain(self, score: Score) -> str:
        """Why the bound decides nothing: no value of the score keeps it, or every one does. Empty if it may do both."""
        low, high = self.bound < score.least, self.bound > score.most
        never = (self.sign == ">" and self.bound == score.most) or (self.sign == "<" and self.bound == score.least)
        if not (low or high or never):
            return ""
        holds = "always" if high != (self.sign[0] == ">") and not never else "never"
        within = f"from {score.least:g} to {score.most:g}" if math.isfinite(score.most) else f"{score.least:g} or more"
        remedy = f'write "{self.sign[0]}={self.bound:g}"' if never else f"write a bound {within}"
        if score.most == 1 and 2 <= self.bound <= 100:  # meant in percent
            remedy = f'write "{self.sign}{self.bound / 100:g}" or "{self.sign}{self.bound:g}%"'
        return f"{self} {holds} holds, `{self.score}` is {within}: {remedy}"


def failures(
    gates: Iterable[Gate], scores: Mapping[str, object], unmeasured: "Mapping[str, Unmeasured]" = MappingProxyType({})
) -> list[str]:
    """Why the gates do not pass; empty if they do. `unmeasured` are scores that a step may not have, of its class."""
    found = []
    for gate in gates:
        value, lack = scores.get(gate.score), unmeasured.get(gate.score)
        if lack and (value is None or (lack.count and not scores.get(lack.count, 1))):
            found.append(f"{gate} was not measured: {lack.why}")
        elif not isinstance(value, (int, float)):
            found.append(f"{gate} cannot be tested, the step has no such score, {choice(gate.score, scores)}")
        elif not _COMPARE[gate.sign](value, gate.bound):
            found.append(f"{gate.score} is {value:.6g}, required is {gate.sign} {gate.bound:g}")
    return found


def _remedy(text: str) -> str:
    """How to write what may have been meant."""
    words = re.fullmatch(rf"\s*([^\w\s.+-]*)\s*({_NUMBER})\s*(%?)\s*", text.replace(",", "."), re.ASCII)
    if not words or len(text) > 40:
        return 'write it as ">=0.75" or "<0.5%"'
    plain = words[1] if words[1] in _COMPARE else ""
    sign, value = _MEANT.get(words[1], plain) if words[1] else ">=", words[2] + words[3]
    if sign:
        return f'write it as "{sign}{value}"'
    return f'`{shorten(words[1])}` is not one of >=, <=, > and <: write it as ">={value}"'

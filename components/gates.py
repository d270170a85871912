"""Gates: `require: {accuracy: ">=0.75"}` stops a run before the next step when a score is out of bounds."""

import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.base import Unmeasured

_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


@dataclass(frozen=True)
class Gate:
    """A bound on one score of a step."""

    score: str
    sign: str
    bound: float

    @classmethod
    def parse(cls, score: str, text: object) -> "Gate":
        """`">=0.75"` or `"<0.5%"`. ValueError with the remedy."""
        found = re.fullmatch(r"\s*(>=|<=|>|<)\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(%?)\s*", str(text))
        if not found:
            raise ValueError(f'`{text}` is not a bound, write it as ">=0.75" or "<0.5%"')
        return cls(score, found[1], float(found[2]) / (100 if found[3] else 1))

    def __str__(self) -> str:
        return f"{self.score} {self.sign} {self.bound:g}"

    @property
    def text(self) -> str:
        """What `parse` makes the same gate of."""
        return f"{self.sign}{self.bound!r}"


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
            found.append(
                f"{gate} cannot be tested, the step has no such score, "
                f"choose from: {', '.join(sorted(scores)) or 'none'}"
            )
        elif not _COMPARE[gate.sign](value, gate.bound):
            found.append(f"{gate.score} is {value:.6g}, required is {gate.sign} {gate.bound:g}")
    return found

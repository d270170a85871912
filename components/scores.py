"""The scores that a component declares: what a gate may bound, and what `run` must return."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Score:
    """One score, or several: `*` in its name stands for what the data names."""

    name: str
    least: float = 0.0
    most: float = math.inf
    """What it can be."""
    sure: bool = True
    """False if it is only there for some data."""
    when: Callable[[Any, Collection[str]], bool] | None = None
    """Whether a step with these parameters, and something bound at these ports, gives it; always, if absent."""
    needs: str = ""
    """What `when` asks for, in words."""

    def matches(self, name: str) -> bool:
        """Whether this is the score of that name."""
        return fnmatchcase(name, self.name) if "*" in self.name else name == self.name


def share(name: str, **more: Any) -> Score:
    """A score from 0 to 1."""
    return Score(name, most=1.0, **more)


def several(names: str, **more: Any) -> tuple[Score, ...]:
    """Scores that are alike, by their names with spaces between."""
    return tuple(Score(name, **more) for name in names.split())


def find(name: str, given: Iterable[Score]) -> Score | None:
    """The score of that name."""
    return next((score for score in given if score.matches(name)), None)


def missing(name: str, given: Collection[Score], declared: Iterable[Score], component: str) -> str:
    """What to say of a score that a step does not give: which it is near to, what it would need, or which there are."""
    if (known := find(name, declared)) and known.needs:
        return f"`{component}` gives no `{name}` with these settings, it needs {known.needs}"
    names = sorted(score.name for score in given)
    if near := get_close_matches(name, names, n=1, cutoff=0.6):
        return f"`{component}` gives no score `{name}`, did you mean `{near[0]}`?"
    return f"`{component}` gives no score `{name}`, choose from: {', '.join(names) or 'none'}"


def mismatch(returned: Iterable[str], given: Collection[Score], *, more: bool = False) -> str:
    """How what a step returned differs from what it declares; empty if it does not. `more` allows others too."""
    names = set(returned)
    extra = [] if more else sorted(name for name in names if not find(name, given))
    less = sorted(s.name for s in given if s.sure and not any(s.matches(name) for name in names))
    said = [f"returned {', '.join(extra)}, which it does not declare"] if extra else []
    return ", and ".join([*said, *([f"declares {', '.join(less)}, which it did not return"] if less else [])])

"""The scores that a component declares: what a gate may bound, and what `run` must return."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from ernie_core.wording import choice, listed

T = TypeVar("T")


@dataclass(frozen=True)
class Score:
    """One score, or several: `*` in its name stands for what the data names, `[a-z]` for one letter of it."""

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
    tasks: tuple[str, ...] = ()
    """Tasks that have it; all, if empty."""

    def fits(self, task: str) -> bool:
        """Whether a model of this task may have it; empty: its task is not known."""
        return not task or not self.tasks or task in self.tasks

    @property
    def several(self) -> bool:
        """Whether its name is a pattern."""
        return any(mark in self.name for mark in "*[")

    def matches(self, name: str) -> bool:
        """Whether this is the score of that name."""
        return fnmatchcase(name, self.name) if self.several else name == self.name


def share(name: str, **more: Any) -> Score:
    """A score from 0 to 1."""
    return Score(name, most=1.0, **more)


def several(names: str, **more: Any) -> tuple[Score, ...]:
    """Scores that are alike, by their names with spaces between."""
    return tuple(Score(name, **more) for name in names.split())


def ordered(scores: Mapping[str, T], main: Sequence[str], declared: Iterable[Score]) -> dict[str, T]:
    """Scores as they are shown everywhere: the main ones, the others in the order of their declaration, any more."""
    patterns = [*main, *(score.name for score in declared)]

    def place(name: str) -> tuple[int, str]:
        return next((i for i, pattern in enumerate(patterns) if fnmatchcase(name, pattern)), len(patterns)), name

    return {name: scores[name] for name in sorted(scores, key=place)}


def find(name: str, given: Iterable[Score]) -> Score | None:
    """The score of that name."""
    return next((score for score in given if score.matches(name)), None)


def missing(name: str, given: Collection[Score], declared: Iterable[Score], component: str,
            task: str = "") -> str:  # fmt: skip
    """What to say of a score that a step does not give: which it is near to, what it would need, or which there are."""
    matching = [score for score in declared if score.matches(name)]
    known = next((score for score in matching if score.fits(task)), matching[0] if matching else None)
    if known and known.tasks and not known.fits(task):
        return (
            f"`{component}` gives no `{name}` for {task}, that is a score of {' and '.join(known.tasks)},"
            f" {choice(name, [score.name for score in given])}"
        )
    if known and known.needs:
        return f"`{component}` gives no `{name}` with these settings, it needs {known.needs}"
    return f"`{component}` gives no score `{name}`, {choice(name, [score.name for score in given])}"


def mismatch(returned: Iterable[str], given: Collection[Score], *, more: bool = False) -> str:
    """How what a step returned differs from what it declares; empty if it does not. `more` allows others too."""
    names = set(returned)
    extra = [] if more else sorted(name for name in names if not find(name, given))
    less = sorted(s.name for s in given if s.sure and not any(s.matches(name) for name in names))
    faults = [f"returned {listed(extra)}, which it does not declare"] if extra else []
    return ", and ".join([*faults, *([f"declares {listed(less)}, which it did not return"] if less else [])])

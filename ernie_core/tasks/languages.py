"""Examples in several languages: which of them choose the best weights, and the scores of each language."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.tasks.data import FILE, DataFacts
from ernie_core.tasks.features import Features
from ernie_core.tasks.known import AVERAGE
from ernie_core.tasks.task import Example, Outputs, Task

DECIDING = "deciding_languages"
"""Key of `task.json` of labelled examples."""


def of(example: Example) -> str:
    """The language of an example; empty if it does not say."""
    return str(getattr(example, "language", ""))


def deciding(facts: DataFacts, folder: Path, dev: Sequence[Example]) -> tuple[str, ...]:
    """The languages of dev that choose the best weights, as the data say; empty: all of dev does. BadInput for what is
    no list of languages, or for a language that dev does not have."""
    said = facts.facts.get(DECIDING, [])
    if not isinstance(said, list) or not all(isinstance(language, str) for language in said):
        raise BadInput(
            f'{folder / FILE}: {DECIDING} is {said!r}, it must be a list such as ["en"]: make the data again'
        )
    there = set(map(of, dev))
    if missing := [language for language in said if language not in there]:
        raise BadInput(
            f"{folder / 'dev.jsonl'}: no example is in {', '.join(missing)}, by which the best weights are chosen: add"
            f" examples, or correct {DECIDING} in {FILE}"
        )
    return () if there <= set(said) else tuple(said)


def rows(examples: Sequence[Example], languages: Collection[str]) -> np.ndarray:
    """The numbers of the examples in some languages, int64 [n]."""
    return np.array([number for number, example in enumerate(examples) if of(example) in languages], np.int64)


def scores(
    task: Task[Any, Any], outputs: Outputs, examples: Sequence[Example], features: Features
) -> dict[str, dict[str, float]]:
    """The scores of each language, in the order of the examples; empty if these are in one language, or do not all
    say theirs."""
    names = list(dict.fromkeys(map(of, examples)))
    if len(names) < 2 or "" in names:
        return {}
    found = {}
    for name in names:
        held = rows(examples, (name,))
        part = [examples[i] for i in held]
        found[name] = task.scores([outputs[i] for i in held], part, features.part(held))
    return found


def averages(by_language: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The mean of each score over the languages, each of which counts the same."""
    first = next(iter(by_language.values()), {})
    return {name: float(np.mean([of_one[name] for of_one in by_language.values()])) for name in first}


def named(by_language: Mapping[str, Mapping[str, float]], main: str) -> dict[str, float]:
    """The main score of each language and their mean, under the published names: `accuracy_ar`, `accuracy_average`."""
    if not by_language:
        return {}
    found = {f"{main}_{language}": of_one[main] for language, of_one in by_language.items()}
    return found | {f"{main}_{AVERAGE}": averages(by_language)[main]}

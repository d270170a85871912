"""The existing tasks and the names of their scores. Imports nothing: the command line reads it too."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Facts about a task that are known before its module is imported."""

    main: str
    """Name of the score by which the best weights are chosen; the smaller `loss` decides between equals."""
    shares: tuple[str, ...]
    """Names of the scores between 0 and 1 from labelled examples, including `main`."""
    answers: tuple[str, ...] = ()
    """Names of the scores between 0 and 1 from unlabelled questions; `*` stands for names in the data."""
    by_language: bool = False
    """Whether its examples may say their language: then the main score is also there for each."""


TASKS = {
    "sequence_classification": Known("accuracy", ("accuracy", "macro_f1"), ("share_*",), True),
    "question_answering": Known("f1", ("f1", "exact_match"), ("answered",)),
    "multiple_choice": Known("accuracy", ("accuracy",)),
    "token_classification": Known("f1", ("f1", "precision", "recall", "token_accuracy")),
    "joint_intent_slots": Known("accuracy", ("accuracy", "intent_accuracy", "slot_f1"), ("share_*",)),
}
"""Tasks by the name of their module in ernie_core/tasks."""

AVERAGE = "average"
LANGUAGE = "[a-z][a-z]"
"""Pattern of the code of a language, as ISO 639-1 has it."""
MAIN = tuple(dict.fromkeys(known.main for known in TASKS.values()))
SHARES = tuple(dict.fromkeys(name for known in TASKS.values() for name in known.shares))
ANSWERS = tuple(dict.fromkeys(name for known in TASKS.values() for name in known.answers))
BY_LANGUAGE = {
    f"{main}_{ending}": tuple(task for task, known in TASKS.items() if known.by_language and known.main == main)
    for main in dict.fromkeys(known.main for known in TASKS.values() if known.by_language)
    for ending in (LANGUAGE, AVERAGE)
}
"""Patterns of the scores of a language, and their mean over all, with the tasks that have them."""


def having(name: str) -> tuple[str, ...]:
    """The tasks with a score of this name."""
    return tuple(task for task, known in TASKS.items() if name in (*known.shares, *known.answers))


def led_by(name: str) -> tuple[str, ...]:
    """The tasks whose main score this is."""
    return tuple(task for task, known in TASKS.items() if name == known.main)


def everywhere(name: str) -> bool:
    """Whether every task has a score of this name."""
    return all(name in (*known.shares, *known.answers) for known in TASKS.values())

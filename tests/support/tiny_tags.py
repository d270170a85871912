"""Tasks with a tag for each token, so small that they are learned in seconds: characters of a few names."""

import json
import random
from pathlib import Path
from typing import Any

import tiny_task

from ernie_core.tasks.data import DataFacts

TAGS = ("B-PER", "I-PER", "B-LOC", "I-LOC", "O")
KINDS = {"PER": "你我", "LOC": "山水"}
"""The names of a type: its first character, or both."""
INTENTS = {"none": "。", "call": "好", "go": "坏"}
"""The first character of a query, by its intent."""
OTHERS = "天地人他火风"
QUICK: dict[str, Any] = {
    "learning_rate": 5e-3, "num_train_epochs": 8.0, "eval_steps": 20, "batch_size": 16, "max_seq_len": 16,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip


def names(chance: random.Random) -> tuple[str, list[tuple[str, int, int]]]:
    """A text with one or two names, and their types and characters."""
    text, found = "", []
    for _ in range(chance.randint(1, 2)):
        text += "".join(chance.choices(OTHERS, k=chance.randint(1, 3)))
        kind = chance.choice(list(KINDS))
        name = KINDS[kind][: chance.randint(1, 2)]
        found.append((kind, len(text), len(text) + len(name)))
        text += name
    return text, found


def tagged(chance: random.Random) -> dict[str, Any]:
    """A row for token classification."""
    text, found = names(chance)
    labels = ["O"] * len(text)
    for kind, start, end in found:
        labels[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return {"tokens": list(text), "labels": labels}


def query(chance: random.Random) -> dict[str, Any]:
    """A row for joint intent and slots: its first character tells the intent, and `none` has no slots."""
    intent = chance.choice(list(INTENTS))
    if intent == "none":
        return {"text": INTENTS[intent] + "".join(chance.choices(OTHERS, k=4)), "intent": intent, "slots": []}
    text, found = names(chance)
    slots = [{"slot": kind, "start": start + 1, "end": end + 1} for kind, start, end in found]
    return {"text": INTENTS[intent] + text, "intent": intent, "slots": slots}


def data(folder: Path, task: str, train: int = 320) -> Path:
    """Labelled examples of `token_classification` or `joint_intent_slots`."""
    folder.mkdir(parents=True)
    make, chance = {"token_classification": tagged, "joint_intent_slots": query}[task], random.Random(5)
    for split, count in (("train", train), ("dev", 40), ("test", 40)):
        tiny_task.write(folder / f"{split}.jsonl", [{"id": f"{split}-{n}", **make(chance)} for n in range(count)])
    labels = {
        "token_classification": {"labels.txt": TAGS},
        "joint_intent_slots": {"intent_labels.txt": tuple(INTENTS), "slot_labels.txt": tuple(KINDS)},
    }[task]
    for file, lines in labels.items():
        (folder / file).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    DataFacts(task).write(folder)
    return folder


def rows(folder: Path, split: str) -> list[dict[str, Any]]:
    """The rows of a split."""
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text("utf-8").splitlines()]

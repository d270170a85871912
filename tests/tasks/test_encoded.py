"""Encoded examples: all trainings of the same examples, with whatever settings, share one entry of a cache."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_tags
import tiny_task
from tasks import test_multiple_choice, test_question_answering

from ernie_core.data.cache import Cache
from ernie_core.tasks import data, defaults, encoded, task
from ernie_core.tasks.encoded import EncodedSplit
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.ragged import Ragged
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.text.tokenizer import Tokenizer
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

KINDS: Mapping[str, tuple[Callable[..., Path], Mapping[str, Any]]] = {
    "texts": (tiny_task.task_data, {"max_seq_len": 16}),
    "answers": (test_question_answering.examples, {"max_seq_len": 24, "max_query_length": 3, "doc_stride": 6}),
    "choices": (test_multiple_choice.examples, {"max_seq_len": 24}),
    "tags": (partial(tiny_tags.data, task="token_classification"), {"max_seq_len": 12}),
    "slots": (partial(tiny_tags.data, task="joint_intent_slots"), {"max_seq_len": 12}),
}


def read(folder: Path, tokenizer: Tokenizer, settings: Mapping[str, Any], cache: Path | None) -> Mapping[str, Any]:
    facts = data.read(folder)
    name = facts.chosen(None, folder)
    recipe = defaults.resolved(FinetuneRecipe(**settings), name, facts.dataset, None)
    learned = task.find(name).of_data(folder, recipe)
    return encoded.splits(folder, learned, tokenizer, Cache(cache) if cache else None)


def plain(value: Any) -> Any:
    """With lists in place of arrays, which `==` compares one by one."""
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, Ragged):
        return [plain(value.flat), plain(value.lengths)]
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return type(value)(plain(each) for each in value)
    return value


def content(splits: Mapping[str, EncodedSplit]) -> Any:
    return {name: (type(found.features), plain(asdict(found))) for name, found in splits.items()}


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    return WordPieceTokenizer.from_folder(tiny_task.model(tmp_path / "model"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_from_the_cache_is_what_was_encoded(tmp_path: Path, tokenizer: Tokenizer, kind: str) -> None:
    examples, settings = KINDS[kind]
    folder = examples(tmp_path / "data")
    fresh = read(folder, tokenizer, settings, None)
    for _ in range(2):
        assert content(read(folder, tokenizer, settings, tmp_path / "cache")) == content(fresh)
    assert len(Cache(tmp_path / "cache").entries("encoded-")) == 1


def test_words_of_a_text_come_back_with_their_places(tokenizer: Tokenizer) -> None:
    learned = task.find("token_classification")(12, ("O",), "BIO", True)
    questions = ["好 坏", ("好", "坏坏"), ""]
    found = learned.encode(questions, tokenizer)
    assert plain(asdict(learned.features.restored(questions, found.arrays()))) == plain(asdict(found))


def test_other_examples_lengths_or_vocabularies_are_encoded_by_themselves(tmp_path: Path, tokenizer: Tokenizer) -> None:
    folder, cache = tiny_task.task_data(tmp_path / "data"), tmp_path / "cache"
    read(folder, tokenizer, {"max_seq_len": 16}, cache)
    shorter = read(folder, tokenizer, {"max_seq_len": 6}, cache)
    assert max(shorter["train"].features.lengths) == 6
    other = WordPieceTokenizer(tokenizer.vocab[:-1])
    assert content(read(folder, other, {"max_seq_len": 16}, cache)) == content(
        read(folder, other, {"max_seq_len": 16}, None)
    )
    lines = (folder / "train.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "train.jsonl").write_bytes(b"".join(lines[1:]))
    assert len(read(folder, tokenizer, {"max_seq_len": 16}, cache)["train"].examples) == len(lines) - 1
    assert len(Cache(cache).entries("encoded-")) == 4


@pytest.mark.parametrize("at", [0.001, 0.34, 0.5])
def test_a_damaged_entry_is_encoded_again(tmp_path: Path, tokenizer: Tokenizer, at: float) -> None:
    folder, cache = tiny_task.task_data(tmp_path / "data", train=4000), tmp_path / "cache"
    whole = content(read(folder, tokenizer, {"max_seq_len": 16}, cache))
    (file,) = cache.glob("encoded-*/train.npz")
    damaged = bytearray(file.read_bytes())
    damaged[int(len(damaged) * at)] ^= 1
    file.write_bytes(damaged)
    with pytest.warns(UserWarning, match="made again|encoded again"):
        assert content(read(folder, tokenizer, {"max_seq_len": 16}, cache)) == whole
    assert content(read(folder, tokenizer, {"max_seq_len": 16}, cache)) == whole


def test_trainings_with_other_settings_encode_nothing_and_learn_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, examples = tiny_task.model(tmp_path / "model"), tiny_task.task_data(tmp_path / "data")
    first, second = (replace(tiny_task.QUICK, max_steps=3, learning_rate=rate) for rate in (1e-3, 1e-2))
    for name, recipe, cache in (("first", first, tmp_path / "cache"), ("alone", second, None)):
        (tmp_path / name).mkdir()
        finetune(model, examples, tmp_path / name, recipe, cache=cache)

    def refuse(*asked: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(task.find("sequence_classification"), "encode", refuse)
    (tmp_path / "shared").mkdir()
    finetune(model, examples, tmp_path / "shared", second, cache=tmp_path / "cache")
    weights = [(tmp_path / name / "model_state.pdparams").read_bytes() for name in ("alone", "shared")]
    assert weights[0] == weights[1]

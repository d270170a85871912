"""An intent and slots: targets and answers by characters, and the scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
import tiny_tags

from ernie_core.errors import BadInput
from ernie_core.tasks import task
from ernie_core.tasks.joint_intent_slots import JointIntentSlots
from ernie_core.tasks.metrics.spans import Span
from ernie_core.tasks.readers.joint_intent_slots import Query
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.task import Row
from ernie_core.tasks.token_classification import IGNORED
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

INTENTS, SLOTS = ("none", "play", "call"), ("singer", "song")
SLU = JointIntentSlots(16, INTENTS, SLOTS, bare=("none",))
TAGS = ("PAD", "O", "B-singer", "I-singer", "B-song", "I-song")
TOKENIZER = WordPieceTokenizer((*SPECIALS, *"来一首周华健的花心好", "beyond", "138", "##00", "the", "wall"))


def outputs(text: str, intent: str, *tags: str) -> Row:
    """Outputs that give this intent and these tags to the tokens of a text; `[CLS]` and `[SEP]` would be slots."""
    length = int(SLU.encode([text], TOKENIZER).lengths[0])
    intents, slots = np.zeros(3, np.float32), np.zeros((length, 6), np.float32)
    intents[INTENTS.index(intent)] = 9.0
    slots[:, 0] = 99.0  # PAD is never an answer
    slots[[0, -1], 2] = 9.0
    for number, tag in enumerate(tags, 1):
        slots[number, TAGS.index(tag)] = 9.0
    return intents, slots


def slots(text: str, intent: str, *tags: str) -> list[tuple[str, str, list[int]]]:
    (answer,) = SLU.decode([outputs(text, intent, *tags)], SLU.encode([text], TOKENIZER))
    return [(slot["slot"], slot["entity"], slot["pos"]) for slot in answer.slots]


def test_the_tags_have_the_order_of_the_published_list() -> None:
    assert SLU.tags == TAGS


def test_slots_are_characters_with_the_last_of_them() -> None:
    text = "来一首周华健的花心"
    tags = ["O"] * 3 + ["B-singer", "I-singer", "I-singer", "O", "B-song", "I-song"]
    assert slots(text, "play", *tags) == [("singer", "周华健", [3, 5]), ("song", "花心", [7, 8])]  # at the very end


def test_a_token_of_many_characters_does_not_shift_the_rest() -> None:
    assert slots("来Beyond的 13800", "play", "O", "B-singer", "O", "B-song", "I-song") == [
        ("singer", "Beyond", [1, 6]), ("song", "13800", [9, 13])
    ]  # fmt: skip
    assert slots("来 The wall 好", "play", "O", "B-song", "I-song", "O") == [("song", "The wall", [2, 9])]


def test_a_tag_of_another_slot_closes_a_slot() -> None:
    assert slots("周华健花心", "play", "B-singer", "I-singer", "I-singer", "I-song", "I-song") == [
        ("singer", "周华健", [0, 2]), ("song", "花心", [3, 4])
    ]  # fmt: skip
    assert slots("花心花心", "play", "B-song", "I-song", "B-song", "I-song") == [
        ("song", "花心", [0, 1]), ("song", "花心", [2, 3])
    ]  # fmt: skip


def test_an_intent_that_never_had_slots_is_answered_without_them() -> None:
    assert slots("花心", "none", "B-song", "I-song") == []


def test_targets_are_an_intent_and_a_tag_for_every_token() -> None:
    text = "来Beyond的13800"
    query = Query("1", text, 1, (Span("singer", 1, 7), Span("song", 8, 13)))
    rows = SLU.encode([text], TOKENIZER)
    targets = SLU.targets([query], rows)
    assert targets.tolist() == [[1, 1, 2, 1, 4, 5, IGNORED]]
    assert SLU.counts(targets) == (1, 5)
    short = replace(SLU, max_seq_len=4)
    assert short.targets([query], short.encode([text], TOKENIZER)).tolist() == [[1, 1, 2, IGNORED]]


def test_a_slot_that_begins_within_a_token_begins_at_that_token() -> None:
    rows = SLU.encode(["beyond花"], TOKENIZER)
    assert SLU.targets([Query("1", "beyond花", 1, (Span("song", 2, 7),))], rows).tolist() == [[1, 4, 5, IGNORED]]


def test_accuracy_counts_answers_that_are_right_as_a_whole() -> None:
    texts = ["花心", "花心", "花心", "来"]
    true = (Span("song", 0, 2),)
    queries = [Query(str(n), text, 1, true) for n, text in enumerate(texts[:3])] + [Query("3", "来", 0, ())]
    found = [
        outputs("花心", "play", "B-song", "I-song"),
        outputs("花心", "play", "B-song", "O"),
        outputs("花心", "call", "B-song", "I-song"),
        outputs("来", "none", "B-song"),
    ]
    features = SLU.encode(texts, TOKENIZER)
    scores = SLU.scores(found, queries, features)
    assert scores["accuracy"] == 0.5 and scores["intent_accuracy"] == 0.75
    assert scores["slot_f1"] == pytest.approx(2 / 3)
    answers = SLU.decode(found, features)
    assert [SLU.graded(a, q) for a, q in zip(answers, queries, strict=True)] == [1.0, 0.0, 0.0, 1.0]
    assert SLU.pairs(answers[2], queries[2]) == (("play", "call"),)


def test_the_loss_of_scores_is_that_of_training() -> None:
    text, query = "来花心", Query("1", "来花心", 1, (Span("song", 1, 3),))
    rows = SLU.encode([text], TOKENIZER)
    chance = np.random.default_rng(1)
    row = (chance.normal(size=3).astype("float32"), chance.normal(size=(5, 6)).astype("float32"))
    loss = SLU.loss([paddle.to_tensor(array[None]) for array in row], SLU.targets([query], rows))
    assert SLU.scores([row], [query], rows)["loss"] == pytest.approx(float(loss), abs=1e-6)
    assert SLU.losses([row], [query], rows).tolist() == [pytest.approx(float(loss), abs=1e-6)]


def test_what_counts_of_the_outputs_is_the_intent_and_the_tokens_but_the_special_ones() -> None:
    logits = [paddle.zeros([1, 3]), paddle.zeros([1, 4, 6])]
    targets = np.array([[1, 1, 4, IGNORED, IGNORED, IGNORED]], np.int16)  # of a split with longer rows
    (_, every), (_, some) = SLU.distributions(logits, targets)
    assert every is None and some is not None
    assert some.tolist() == [[False, True, True, False]]


def test_answers_for_people_and_programs() -> None:
    rows = SLU.encode(["来花心"], TOKENIZER)
    (answer,) = SLU.decode([outputs("来花心", "play", "O", "B-song", "I-song")], rows)
    assert answer.text() == "intent: play, prob: 0.9998, slots: song: 花心"
    assert answer.row() == {
        "predicted": {"intent": "play", "slots": [{"slot": "song", "entity": "花心", "pos": [1, 2]}]},
        "confidence": 0.999753,
    }
    query = Query("117", "来花心", None, ())
    assert SLU.truth(query) == {} and not query.labelled
    assert SLU.submission([answer], [query], "nlpcc2018") == {
        "nlpcc2018_predict.txt": "117\t来花心\tplay\t来<song>花心</song>\n"
    }
    assert SLU.submission([answer], [query], "") == {}


def test_the_task_of_some_data_is_saved_and_read_again(tmp_path: Path) -> None:
    data = tiny_tags.data(tmp_path / "data", "joint_intent_slots")
    learned = JointIntentSlots.of_data(data, FinetuneRecipe(max_seq_len=16))
    assert learned == JointIntentSlots(16, ("none", "call", "go"), ("PER", "LOC"), ("none",))
    learned.save(tmp_path)
    assert task.read(tmp_path) == learned and learned.differs(data) == ""
    assert "slot_labels.txt" in replace(learned, slots=("PER", "ORG")).differs(data)


def test_outputs_of_another_model_are_told() -> None:
    assert SLU.misfit([outputs("来", "play", "O")]) == ""
    assert SLU.misfit([(np.zeros(2), np.zeros((3, 6)))]) == "2 logits for 3 intents"
    assert SLU.misfit([(np.zeros(3), np.zeros((3, 5)))]) == "5 logits for 6 tags"
    with pytest.raises(BadInput, match="trained on single texts, not on"):
        SLU.encode([("来", "一")], TOKENIZER)  # type: ignore[list-item]

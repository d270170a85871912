"""The right one of several choices: rows, windows, one-to-one assignment, scores, and a model that learns."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import chain
import numpy as np
import pytest
import tiny_task
from hypothesis import given
from hypothesis import strategies as st

from ernie_core.errors import BadInput
from ernie_core.tasks import choices, task
from ernie_core.tasks.choices import ChoiceEncoder
from ernie_core.tasks.data import DataFacts
from ernie_core.tasks.multiple_choice import MultipleChoice, assigned
from ernie_core.tasks.readers.multiple_choice import AskedChoice
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

TOKENIZER = WordPieceTokenizer((*SPECIALS, *'天地人你我他山水火风好坏。，"-', "[unused1]"))
READING, CLOZE = MultipleChoice(16, cloze=False), MultipleChoice(16, cloze=True)
NAME = "multiple_choice"
QUICK = replace(tiny_task.QUICK, max_seq_len=24, num_train_epochs=4.0)


def words(ids: list[int]) -> str:
    return " ".join(TOKENIZER.vocab[i] for i in ids)


def asked(label: int | None, *choices: str, group: str = "", name: str = "x", question: str = "你") -> AskedChoice:
    return AskedChoice(name, f"天{question}", question, choices, group, label)


def row(chance: random.Random, name: str) -> dict[str, Any]:
    """The right choice is the one with `好`; questions have two or three choices."""
    count = chance.randint(2, 3)
    label = chance.randrange(count)
    found = ["".join(chance.choices("天地人你我他山", k=2)) + ("好" if at == label else "坏") for at in range(count)]
    context = "".join(chance.choices("山水火风", k=chance.randint(1, 12)))
    return {"id": name, "context": context, "question": "你", "choices": found, "label": label}


def examples(folder: Path, train: int = 240) -> Path:
    chance = random.Random(5)
    sizes = (("train", train), ("dev", 40), ("test", 40))
    chain.write(folder, {split: [row(chance, f"{split}-{n}") for n in range(count)] for split, count in sizes})
    DataFacts(NAME, "clue/c3").write(folder)
    return folder


def test_a_choice_is_a_row_behind_context_and_question() -> None:
    found = READING.encode([("天地", "人你", ("我", "他山"), ""), ("天", "", ("水", "火"), "")], TOKENIZER)
    assert [words(ids) for ids in found.input_ids] == [
        "[CLS] 天 地 [SEP] 人 你 [SEP] 我 [SEP]",
        "[CLS] 天 地 [SEP] 人 你 [SEP] 他 山 [SEP]",
        "[CLS] 天 [SEP] 水 [SEP]",
        "[CLS] 天 [SEP] 火 [SEP]",
    ]
    assert found.token_type_ids[0] == [0] * 4 + [1] * 5
    assert found.lengths.tolist() == [10, 5]
    both = found.padded(np.array([1, 0]), 0)["input_ids"]
    assert both.shape == (4, 10) and words(both[1].tolist()).startswith("[CLS] 天 [SEP] 火 [SEP] [PAD]")


def test_a_long_choice_shortens_the_context_for_itself_alone() -> None:
    context, long = "天地人" * 4, "好坏山水" * 3
    found = READING.encode([(context, "你", (long, "我", "他"), "")], TOKENIZER)
    assert [len(ids) for ids in found.input_ids] == [16, 16, 16]
    rows = [words(ids).replace(" ", "").split("[SEP]") for ids in found.input_ids]
    assert [len(row[0]) - len("[CLS]") for row in rows] == [5, 10, 10]
    assert [row[1] for row in rows] == ["你"] * 3
    assert [row[2] for row in rows] == [long[:6], "我", "他"]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(-2, 60))
def test_tokens_are_taken_one_by_one_from_the_longest(lengths: list[int], room: int) -> None:
    kept = list(lengths)
    while sum(kept) > max(room, 0):
        kept[kept.index(max(kept))] -= 1
    assert choices.longest_first(lengths, room) == kept


def test_a_blank_is_seen_with_the_text_around_it_and_other_blanks_are_masked() -> None:
    context = "天地#idiom1#人你#idiom2#“我——"
    question = (context, "#idiom2#", ("山水火风", "好坏山水"), "g")
    first, second = MultipleChoice(32, cloze=True).encode([question], TOKENIZER).input_ids
    # The left side has as many tokens as before its blank became four.
    assert words(first) == '[CLS] 山 水 火 风 [SEP] [MASK] [MASK] [MASK] 人 你 [unused1] " 我 - - [SEP]'
    assert words(second).startswith("[CLS] 好 坏 山 水 [SEP] [MASK] [MASK] [MASK] 人 你 [unused1]")


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [
        ("天地人你我他", "山水火风好坏", "人 你 我 他 [unused1] 山 水 火 风"),
        ("天", "山水火风好坏天地人你", "天 [unused1] 山 水 火 风 好 坏 天"),
        ("天地人你我他山水火", "风", "人 你 我 他 山 水 火 [unused1] 风"),
        ("天", "地", "天 [unused1] 地"),
    ],
)
def test_the_window_is_half_left_and_half_right_and_is_shifted_at_the_ends(before: str, after: str, seen: str) -> None:
    question = (f"{before}#idiom1#{after}", "#idiom1#", ("好坏山水", "山水火风"), "")
    (row, _) = CLOZE.encode([question], TOKENIZER).input_ids
    assert words(row) == f"[CLS] 好 坏 山 水 [SEP] {seen} [SEP]"
    assert len(row) <= 16


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 20))
def test_the_window_is_that_of_the_published_conversion(left: int, right: int, room: int) -> None:
    tokens, half, rest = list(range(left + 1 + right)), room // 2, room - room // 2
    if left >= half and right >= rest:
        wanted = tokens[left - half : left], tokens[left + 1 : left + 1 + rest]
    elif left <= half:
        wanted = tokens[:left], tokens[left + 1 : left + 1 + room - left]
    else:
        wanted = tokens[max(left - (room - right), 0) : left], tokens[left + 1 :]
    names = WordPieceTokenizer((*SPECIALS, *(chr(0x4E00 + n) for n in range(61))))
    text = ["".join(chr(0x4E00 + n) for n in part) for part in (tokens[:left], tokens[left + 1 :])]
    found = ChoiceEncoder(names, 64)._around(f"{text[0]}#idiom#{text[1]}", "#idiom#", room, {})
    assert tuple([number - len(SPECIALS) for number in part] for part in found) == wanted


def test_masks_of_other_blanks_do_not_make_the_window_longer() -> None:
    context = "天#idiom1#地#idiom2#人#idiom3#你#idiom4#我"
    for ids in (
        MultipleChoice(20, cloze=True)
        .encode([(context, f"#idiom{n}#", ("好坏山水", "山"), "") for n in range(1, 5)], TOKENIZER)
        .input_ids
    ):
        assert len(ids) <= 20 and TOKENIZER.ids["[unused1]"] in ids


def test_each_choice_of_a_group_is_taken_once_the_most_probable_pair_first() -> None:
    assert assigned(np.array([[0.6, 0.4], [0.9, 0.1]])) == [1, 0]
    assert assigned(np.array([[0.5, 0.5], [0.5, 0.5]])) == [0, 1]
    assert assigned(np.array([[0.6, 0.4], [0.7, 0.3], [0.8, 0.2]])) == [1, 0, 0]


@given(st.integers(1, 5), st.integers(2, 6), st.integers(0, 999))
def test_the_assignment_is_that_of_a_slow_search(questions: int, count: int, seed: int) -> None:
    shares = np.random.default_rng(seed).integers(0, 4, (questions, count)) / 4
    left, open_choices, wanted = list(range(questions)), list(range(count)), {}
    while left and open_choices:
        best = max(((q, c) for q in left for c in open_choices), key=lambda pair: (shares[pair], -pair[0], -pair[1]))
        wanted[best[0]] = best[1]
        left.remove(best[0])
        open_choices.remove(best[1])
    assert assigned(shares) == [wanted.get(q, int(shares[q].argmax())) for q in range(questions)]


def test_predictions_by_hand() -> None:
    pair = [asked(1, "天", "地", group="a", question="#idiom1#"), asked(0, "天", "地", group="a", question="#idiom2#")]
    alone = asked(2, "天", "地", "人", question="#idiom3#")
    features = CLOZE.encode([example.question for example in (*pair, alone)], TOKENIZER)
    outputs = [(np.float32([2, 1]),), (np.float32([5, 0]),), (np.float32([0, 0, 0]),)]
    found = CLOZE.decode(outputs, features)
    assert [prediction.label for prediction in found] == [1, 0, 0]
    assert [prediction.choice for prediction in found] == ["地", "天", "天"]
    assert found[0].confidence == pytest.approx(1 / (1 + np.e)) and sum(found[2].scores) == pytest.approx(1)
    scores = CLOZE.scores(outputs, [*pair, alone], features)
    losses = [np.log(1 + np.e), np.log(1 + np.exp(-5)), np.log(3)]
    assert scores == {"accuracy": pytest.approx(2 / 3), "loss": pytest.approx(np.mean(losses))}
    assert found[1].row() == {"predicted": 0, "choice": "天", "confidence": 0.993307, "scores": [0.993307, 0.006693]}
    assert found[1].text() == "choice 0: 天, prob: 0.9933"
    assert CLOZE.graded(found[0], pair[0]) == 1 and CLOZE.graded(found[2], alone) == 0
    assert READING.decode([], READING.encode([], TOKENIZER)) == []


def test_the_loss_is_over_the_choices_of_each_question() -> None:
    import paddle

    logits = np.float32([1, 2, 0.5, -1, 3])
    examples = [asked(1, "天", "地"), asked(0, "天", "地", "人")]
    features = READING.encode([example.question for example in examples], TOKENIZER)
    loss = READING.loss([paddle.to_tensor(logits[:, None])], READING.targets(examples, features))
    each = [-np.log(np.exp(2) / np.exp(logits[:2]).sum()), -np.log(np.exp(0.5) / np.exp(logits[2:]).sum())]
    assert float(loss) == pytest.approx(np.mean(each), abs=1e-5)


def test_a_line_is_a_question() -> None:
    assert READING.question("a:1", "天\t谁\t我\t你") == ("天", "谁", ("我", "你"), "")
    line = '{"context": "天", "question": "谁", "choices": ["我", "你"], "group": "g"}'
    assert READING.question("a:1", line) == ("天", "谁", ("我", "你"), "g")
    for wrong, why in (
        ("天\t谁\t我", "a:1: write context, question and at least two choices with tabs between"),
        ("{", r"a:1: not JSON \("),
        ('{"context": 5, "choices": ["我", "你"]}', 'a:1: "context" is 5, it must be a string'),
        ('{"context": "天", "choices": ["我"]}', 'a:1: "choices" is .*, it must be a list of at least two texts'),
        ("天\t谁\t我\t", 'a:1: choice "", it must be a text that is not empty'),
    ):
        with pytest.raises(BadInput, match=why):
            READING.question("a:1", wrong)
    with pytest.raises(BadInput, match=r'a:1: question "谁" is no blank of the context, such as #idiom1#'):
        CLOZE.question("a:1", "天\t谁\t我\t你")
    with pytest.raises(BadInput, match="a question is a context, a question, at least two choices and a group, not"):
        READING.encode([("天", "地")], TOKENIZER)  # type: ignore[list-item]
    with pytest.raises(BadInput, match='question "人" of group "g" has other choices than one before it'):
        READING.encode([("天", "谁", ("我", "你"), "g"), ("天", "人", ("我", "你", "他"), "g")], TOKENIZER)


@pytest.mark.parametrize("one", [READING, CLOZE])
def test_the_probe_can_be_asked_and_kept_as_json(one: MultipleChoice) -> None:
    kept = json.loads(json.dumps(one.probe()))
    assert len(kept) == len(one.encode(one.probe(), TOKENIZER).lengths)


def test_predictions_are_handed_in_as_clue_reads_them() -> None:
    cases = [asked(None, "天", "地", name="0", question="#idiom623377#"), asked(None, "天", "地", name="b")]
    features = READING.encode([example.question for example in cases], TOKENIZER)
    found = READING.decode([(np.float32([0, 1]),), (np.float32([1, 0]),)], features)
    files = READING.submission(found, cases, "clue/c3")
    assert [json.loads(line) for line in files["c311_predict.json"].splitlines()] == [
        {"id": 0, "label": 1}, {"id": "b", "label": 0}
    ]  # fmt: skip
    files = CLOZE.submission(found[:1], cases[:1], "clue/chid")
    assert json.loads(files["chid11_predict.json"]) == {"#idiom623377#": 1}
    few = replace(cases[0], asked="#idiom#", id="7")
    assert json.loads(CLOZE.submission(found[:1], [few], "clue/chid")["chid11_predict.json"]) == {"7": 1}
    assert READING.submission(found, cases, "") == {}


def test_the_task_of_some_data_is_saved_and_read_again(tmp_path: Path) -> None:
    data = examples(tmp_path / "data", train=4)
    learned = MultipleChoice.of_data(data, QUICK)
    assert learned == MultipleChoice(24, cloze=False)
    learned.save(tmp_path)
    assert task.read(tmp_path) == learned and learned.differs(data) == ""
    with pytest.raises(BadInput, match="max_seq_len 8 has no room for a context, a question and a choice"):
        MultipleChoice.of_data(data, replace(QUICK, max_seq_len=8))


def test_data_whose_questions_are_blanks_are_a_cloze_test(tmp_path: Path) -> None:
    rows = [{"id": 1, "context": "天#idiom#", "question": "#idiom#", "choices": ["天", "地"], "label": 0}]
    folder = chain.write(tmp_path / "data", {"train": rows, "dev": [{**rows[0], "context": "天"}]})
    learned = MultipleChoice.of_data(folder, QUICK)
    assert learned.cloze and len(learned.read(folder, "train")) == 1
    with pytest.raises(BadInput, match=r'dev.jsonl: example 1: question "#idiom#" is no blank of the context'):
        learned.read(folder, "dev")


def test_it_learns_is_exported_and_answers(tmp_path: Path) -> None:
    done = chain.run(tmp_path, examples(tmp_path / "data"), QUICK)
    assert done.finetuned["test_accuracy"] > 0.9
    assert done.compressed["accuracy_fp32"] > 0.9 and done.compressed["agreement"] > 0.9
    assert done.evaluated["accuracy"] > 0.9 and done.evaluated["examples"] == 40
    question = done.predictor.task.question("text 1", "山水\t你\t天地坏\t天地好\t天地坏")
    (answer,) = done.predictor.predict([question])
    assert (answer.label, answer.choice) == (1, "天地好")
    line = json.loads((done.report / "predictions.jsonl").read_text().splitlines()[0])
    assert line["id"] == "test-0" and line["label"] == line["predicted"]


@pytest.mark.parity
def test_logits_and_loss_equal_those_of_paddlenlp(tmp_path: Path) -> None:
    import paddle

    from ernie_core.model import config, weights
    from ernie_core.model.heads import ErnieForMultipleChoice

    theirs = pytest.importorskip("paddlenlp.transformers")
    ours = ErnieForMultipleChoice(config.shape("2L48H4", 60, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    weights.save(ours, tmp_path)
    opened = theirs.ErnieForMultipleChoice.from_pretrained(str(tmp_path), num_choices=3)
    assert opened.state_dict().keys() == ours.state_dict().keys()
    ids = np.array([[[1, 7, 2, 30 + n, 31, 2], [1, 5, 2, 6 + n, 2, 0], [1, 9, 2, 2, 0, 0]] for n in range(2)])
    types = (ids > 5).astype("int64")
    for net in (ours, opened):
        net.eval()
    mine = ours(*(paddle.to_tensor(part.reshape(6, 6)) for part in (ids, types)))
    labels = np.array([[2, 3], [0, 3]])
    loss, logits = opened(paddle.to_tensor(ids), paddle.to_tensor(types), labels=paddle.to_tensor(labels[:, 0]))
    assert np.abs(mine.numpy().reshape(2, 3) - logits.numpy()).max() <= 1e-5
    assert float(READING.loss([mine], labels)) == pytest.approx(float(loss), abs=1e-5)

"""The answer to a question: windows, decoded outputs, scores, and a model that learns where the answer is."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import chain
import numpy as np
import pytest
import tiny_task

from ernie_core.errors import BadInput
from ernie_core.tasks import defaults, task, windows
from ernie_core.tasks.data import DataFacts
from ernie_core.tasks.question_answering import QuestionAnswering
from ernie_core.tasks.readers.question_answering import Answer, AskedContext
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.spans import Search
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

TOKENIZER = WordPieceTokenizer((*SPECIALS, *"天地人你我他山水火风好坏。，", "a", "##b"))
SEARCH = Search(n_best_size=20, max_answer_length=30, unanswered=False, null_score_diff_threshold=0.0)
TASK = QuestionAnswering(10, 2, 3, SEARCH, "cmrc2018")
NAME = "question_answering"
QUICK = replace(
    tiny_task.QUICK, max_seq_len=16, max_query_length=3, doc_stride=6, num_train_epochs=3.0, learning_rate=2e-2
)


def asked(context: str, answer: str = "", start: int = -1, question: str = "你") -> AskedContext:
    return AskedContext("x", context, question, (Answer(answer, start),) if answer else ())


def outputs(features: Any, scores: dict[tuple[int, int], tuple[float, float]]) -> list[tuple[np.ndarray, ...]]:
    """Logits of -5 but for some (row, place): start and end there."""
    found = [(np.full(size, -5.0, "float32"), np.full(size, -5.0, "float32")) for size in features.lengths]
    for (row, place), (start, end) in scores.items():
        found[row][0][place], found[row][1][place] = start, end
    return found


def row(chance: random.Random, name: str) -> dict[str, Any]:
    """A context of one or several windows that holds `好坏` somewhere."""
    text = "".join(chance.choices("天地人你我他山水火风", k=chance.randint(3, 20)))
    at = chance.randrange(len(text) + 1)
    context = f"{text[:at]}好坏{text[at:]}"
    return {"id": name, "context": context, "question": "你，", "answers": {"text": ["好坏"], "answer_start": [at]}}


def examples(folder: Path, train: int = 320) -> Path:
    chance = random.Random(5)
    sizes = (("train", train), ("dev", 40), ("test", 40))
    chain.write(folder, {split: [row(chance, f"{split}-{n}") for n in range(count)] for split, count in sizes})
    DataFacts(NAME, "cmrc2018").write(folder)
    return folder


def test_windows_cover_the_context_and_begin_a_stride_behind_each_other() -> None:
    found = TASK.encode([("你我他", "天地人你我他山水火风"), ("", "天"), ("你", "")], TOKENIZER)
    text = [" ".join(TOKENIZER.vocab[i] for i in ids) for ids in found.input_ids]
    assert text == [
        "[CLS] 你 我 [SEP] 天 地 人 你 我 [SEP]",
        "[CLS] 你 我 [SEP] 你 我 他 山 水 [SEP]",
        "[CLS] 你 我 [SEP] 山 水 火 风 [SEP]",
        "[CLS] [SEP] 天 [SEP]",
        "[CLS] 你 [SEP] [SEP]",
    ]
    assert found.token_type_ids[0] == [0] * 4 + [1] * 6
    assert found.owners.tolist() == [0, 0, 0, 1, 2]
    assert found.begins.tolist() == [0, 3, 6, 0, 0]


@pytest.mark.parametrize("tokens", range(30))
@pytest.mark.parametrize(("room", "stride"), [(1, 1), (5, 3), (5, 5), (5, 128), (7, 2)])
def test_every_token_is_in_a_window_and_the_last_window_alone_has_the_last(tokens: int, room: int, stride: int) -> None:
    begins = windows.window_begins(tokens, room, stride)
    covered = [set(range(begin, min(begin + room, tokens))) for begin in begins]
    assert set().union(*covered) == set(range(tokens))
    assert [tokens - 1 in window for window in covered[:-1]] == [False] * (len(covered) - 1)


def test_an_answer_outside_of_a_window_is_its_first_token() -> None:
    example = asked("天地人你我他山水火风", "我他", 4, "你我")
    found = TASK.encode([example.question], TOKENIZER)
    assert TASK.targets([example], found).tolist() == [[0, 0], [5, 6], [0, 0]]
    nowhere = replace(example, answers=(Answer("好坏", -1),))
    assert TASK.targets([nowhere], found).tolist() == [[-1, -1]] * 3
    assert TASK.targets([replace(example, answers=())], found).tolist() == [[0, 0]] * 3


def test_an_answer_is_cut_from_the_context_as_it_is_written_there() -> None:
    context = "天　Ａ\u200bB\u0301 。"
    features = TASK.encode([("你", context)], TOKENIZER)
    assert [TOKENIZER.vocab[i] for i in features.input_ids[0]][3:] == ["天", "[UNK]", "。", "[SEP]"]
    example = asked(context, "Ａ\u200bB\u0301", 2)
    (first, last) = TASK.targets([example], features)[0]
    (answer,) = TASK.decode(outputs(features, {(0, first): (3, 0), (0, last): (0, 3)}), features)
    assert (answer.answer, answer.start, answer.end) == ("Ａ\u200bB\u0301", 2, 6)


def test_the_best_pair_over_all_windows_is_the_answer() -> None:
    features = TASK.encode([("你", "天地人你我他山水火风")], TOKENIZER)
    assert len(features.lengths) == 3
    scores = {(0, 3): (4.0, 0.0), (0, 4): (0.0, 4.0), (1, 3): (5.0, 0.0), (1, 4): (0.0, 4.0), (0, 0): (9.0, 9.0)}
    (best,) = TASK.decode(outputs(features, scores), features)
    assert (best.answer, best.start, best.end) == ("你我", 3, 5)
    assert best.n_best[1].text == "天地" and best.confidence == best.n_best[0].confidence > best.n_best[1].confidence
    assert sum(span.confidence for span in best.n_best) == pytest.approx(1)
    assert len({(span.start, span.end) for span in best.n_best}) == len(best.n_best) == 20


def test_of_equal_pairs_the_earlier_and_shorter_is_the_answer() -> None:
    features = TASK.encode([("你", "天地人")], TOKENIZER)
    flat = [(np.zeros(len(ids), "float32"),) * 2 for ids in features.input_ids]
    (best,) = TASK.decode(flat, features)
    assert [span.text for span in best.n_best] == ["天", "天地", "天地人", "地", "地人", "人"]


def test_ends_before_beginnings_and_answers_that_are_too_long_are_none() -> None:
    short = replace(TASK, search=replace(SEARCH, max_answer_length=2))
    features = short.encode([("你", "天地人你")], TOKENIZER)
    scores = {(0, 5): (4.0, 0.0), (0, 3): (3.0, 3.0), (0, 6): (0.0, 4.0)}
    (best,) = short.decode(outputs(features, scores), features)
    assert best.answer == "人你"
    (best,) = replace(TASK, search=replace(SEARCH, n_best_size=1)).decode(
        outputs(features, {(0, 5): (9.0, 0.0), (0, 3): (0.0, 9.0)}), features
    )
    assert best.answer == "" and best.text() == "no answer, confidence: 1.0000"


def test_no_answer_is_chosen_only_where_the_data_have_such_questions_and_by_its_threshold() -> None:
    features = TASK.encode([("你", "天地人")], TOKENIZER)
    found = outputs(features, {(0, 0): (3.0, 3.0), (0, 3): (2.0, 2.0)})
    assert TASK.decode(found, features)[0].answer == "天"
    unanswered = replace(SEARCH, unanswered=True)
    (none,) = replace(TASK, search=unanswered).decode(found, features)
    assert (none.answer, none.start, none.end) == ("", 0, 0)
    assert none.n_best[1].text == "天" and none.confidence > 0.8
    stricter = replace(TASK, search=replace(unanswered, null_score_diff_threshold=2.5))
    assert stricter.decode(found, features)[0].answer == "天"


def test_a_context_without_tokens_has_no_answer() -> None:
    features = TASK.encode([("你", ""), ("你", "\u200b \n")], TOKENIZER)
    for prediction in TASK.decode(outputs(features, {}), features):
        assert (prediction.answer, prediction.start, prediction.end) == ("", 0, 0)


def test_scores_by_hand() -> None:
    examples = [asked("天地人你", "天地人", 0), asked("山水火风", "风", 3)]
    features = TASK.encode([example.question for example in examples], TOKENIZER)
    found = outputs(features, {(0, 3): (5.0, 0.0), (0, 4): (0.0, 5.0), (1, 6): (5.0, 5.0)})
    scores = TASK.scores(found, examples, features)
    assert scores["exact_match"] == 0.5
    assert scores["f1"] == pytest.approx((0.8 + 1) / 2)
    logits = [(found[0][0], 3), (found[0][1], 5), (found[1][0], 6), (found[1][1], 6)]
    losses = [-np.log(np.exp(row[place]) / np.exp(row.astype("float64")).sum()) for row, place in logits]
    assert scores["loss"] == pytest.approx(np.mean(losses))
    nowhere = [replace(example, answers=(Answer("好", -1),)) for example in examples]
    assert TASK.scores(found, nowhere, features) == {"f1": 0, "exact_match": 0, "loss": 0}


def test_the_loss_is_the_mean_over_beginnings_and_ends_as_paddlenlp_computes_it() -> None:
    import paddle

    start, end = (np.random.default_rng(seed).normal(size=(3, 7)).astype("float32") for seed in (1, 2))
    targets = np.array([[0, 0], [2, 5], [6, 6]])
    mine = float(TASK.loss([paddle.to_tensor(start), paddle.to_tensor(end)], targets))
    each = [
        -np.log(np.exp(logits[n, place]) / np.exp(logits[n]).sum())
        for n, places in enumerate(targets)
        for logits, place in zip((start, end), places, strict=True)
    ]
    assert mine == pytest.approx(np.mean(each), abs=1e-5)


def test_a_line_is_a_question_and_answers_are_shown() -> None:
    assert TASK.question("a:1", "谁？\t天地\t人") == ("谁？", "天地\t人")
    with pytest.raises(BadInput, match="a:1: no tab: write the question, a tab, and the context, in a shell as"):
        TASK.question("a:1", "谁？")
    with pytest.raises(BadInput, match="answers pairs of a question and a context"):
        TASK.encode(["谁？"], TOKENIZER)  # type: ignore[list-item]
    features = TASK.encode([("你", "天地")], TOKENIZER)
    (answer,) = TASK.decode(outputs(features, {(0, 3): (9.0, 9.0)}), features)
    assert answer.text().startswith("answer: 天 (0-1), confidence: 1.0")
    said = answer.row()
    assert (said["predicted"], said["start"], said["end"]) == ("天", 0, 1)
    assert said["n_best"][0] == {"text": "天", "start": 0, "end": 1, "confidence": pytest.approx(1, abs=1e-4)}
    assert len(json.loads(json.dumps(TASK.probe()))) == 3
    assert len(set(replace(TASK, max_seq_len=128, max_query_length=64).encode(TASK.probe(), TOKENIZER).lengths)) == 3


def test_predictions_are_handed_in_by_the_ids_of_the_data() -> None:
    examples = [
        replace(asked("天地", "天", 0), id="DEV_0_QUERY_1"),
        replace(asked("天地", "地", 1), id="DEV_0_QUERY_2"),
    ]
    features = TASK.encode([example.question for example in examples], TOKENIZER)
    found = TASK.decode(outputs(features, {(0, 3): (9, 9), (1, 4): (9, 9)}), features)
    files = TASK.submission(found, examples, "clue/cmrc2018")
    assert json.loads(files["cmrc2018_predict.json"]) == {"DEV_0_QUERY_1": "天", "DEV_0_QUERY_2": "地"}
    assert set(TASK.submission(found, examples, "drcd")) == {"drcd_predict.json"}
    assert TASK.submission(found, examples, "") == {}


def test_the_task_of_some_data_is_saved_and_read_again(tmp_path: Path) -> None:
    data = examples(tmp_path / "data", train=4)
    learned = QuestionAnswering.of_data(data, QUICK)
    assert (learned.metric, learned.search.unanswered, learned.doc_stride) == ("cmrc2018", False, 6)
    learned.save(tmp_path)
    assert task.read(tmp_path) == learned
    assert learned.differs(data) == ""
    DataFacts(NAME, "xquad", {"metric": "squad"}).write(data)
    assert QuestionAnswering.of_data(data, QUICK).metric == "squad"
    DataFacts(NAME, "", {"metric": "bleu"}).write(data)
    with pytest.raises(BadInput, match='metric "bleu" is not known, choose from: cmrc2018, squad'):
        QuestionAnswering.of_data(data, QUICK)


def test_lengths_without_room_for_a_context_are_refused() -> None:
    with pytest.raises(
        BadInput, match="max_seq_len 16 has no room for a context behind a question of max_query_length 64"
    ):
        defaults.resolved(FinetuneRecipe(max_seq_len=16), NAME, "", None)


def test_it_learns_is_exported_and_answers(tmp_path: Path) -> None:
    done = chain.run(tmp_path, examples(tmp_path / "data"), QUICK)
    assert done.finetuned["test_f1"] > 0.9 and done.finetuned["test_exact_match"] > 0.9
    assert done.compressed["f1_fp32"] > 0.9 and done.compressed["agreement"] > 0.9
    assert done.evaluated["f1"] > 0.9 and done.evaluated["examples"] == 40
    (answer,) = done.predictor.predict([("你", "天地人，你我他，山水火风。天地好坏人，你我他")])
    assert (answer.answer, answer.start, answer.end) == ("好坏", 15, 17)
    line = json.loads((done.report / "predictions.jsonl").read_text().splitlines()[0])
    assert line["id"] == "test-0" and line["answers"] == ["好坏"] and line["predicted"] == "好坏"


@pytest.mark.parity
def test_logits_and_loss_equal_those_of_paddlenlp(tmp_path: Path) -> None:
    import paddle

    from ernie_core.model import config, weights
    from ernie_core.model.heads import ErnieForQuestionAnswering

    theirs = pytest.importorskip("paddlenlp.transformers")
    shape = config.shape("2L48H4", 60, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    ours = ErnieForQuestionAnswering(shape)
    weights.save(ours, tmp_path)
    opened = theirs.ErnieForQuestionAnswering.from_pretrained(str(tmp_path))
    assert opened.state_dict().keys() == ours.state_dict().keys()
    ids = paddle.to_tensor(np.array([[1, 7, 2, 30, 31, 32, 2, 0], [1, 5, 2, 6, 7, 8, 9, 2]]))
    types = paddle.to_tensor(np.array([[0] * 3 + [1] * 4 + [0], [0] * 3 + [1] * 5]))
    targets = np.array([[3, 5], [0, 0]])
    for net in (ours, opened):
        net.eval()
    mine, found = ours(ids, types), opened(ids, types)
    for one, two in zip(mine, found, strict=True):
        assert np.abs(one.numpy() - two.numpy()).max() <= 1e-5
    places = paddle.to_tensor(targets)
    loss = opened(ids, types, start_positions=places[:, 0], end_positions=places[:, 1])[0]
    assert float(TASK.loss(mine, targets)) == pytest.approx(float(loss), abs=1e-5)


class _Examples(list[Any]):
    """Contexts as PaddleNLP's function reads them: rows, and their ids by name."""

    def __init__(self, contexts: list[str]) -> None:
        super().__init__({"id": number, "context": context} for number, context in enumerate(contexts))

    def __getitem__(self, key: Any) -> Any:
        return [row["id"] for row in self] if key == "id" else super().__getitem__(key)


@pytest.mark.parity
@pytest.mark.parametrize("unanswered", [False, True])
def test_the_best_answers_are_those_of_paddlenlp(unanswered: bool) -> None:
    theirs = pytest.importorskip("paddlenlp.metrics.squad")
    # Theirs counts tokens of the question among the best ones: with as many as a row has it makes no difference.
    one = replace(TASK, search=replace(SEARCH, max_answer_length=3, unanswered=unanswered))
    chance = np.random.default_rng(4)
    contexts = ["".join(chance.choice(list("天地人你我他山水火风"), size)) for size in chance.integers(1, 25, 40)]
    features = one.encode([("你", context) for context in contexts], TOKENIZER)
    logits = [tuple(chance.normal(size=(2, size)).astype("float32")) for size in features.lengths]
    offsets = []
    for row, size in enumerate(features.sizes):
        tokens, begin = features.contexts[features.owners[row]], features.begins[row]
        spans = list(zip(tokens.starts, tokens.ends, strict=True))[begin : begin + size]
        offsets.append([None] * int(features.at[row]) + spans + [None])
    best, n_best, _ = theirs.compute_prediction(
        _Examples(contexts),
        [{"example_id": int(n), "offset_mapping": spans} for n, spans in zip(features.owners, offsets, strict=True)],
        ([start for start, _ in logits], [end for _, end in logits]),
        version_2_with_negative=unanswered, n_best_size=20, max_answer_length=3,
    )  # fmt: skip
    for number, mine in enumerate(one.decode(logits, features)):
        if n_best[number][0]["text"] != "empty":
            assert mine.answer == best[number]

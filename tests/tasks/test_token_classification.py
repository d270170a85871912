"""A tag for every word: which token has the label, what a word without a token is answered, and the scores."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
import tiny_tags

from ernie_core.errors import BadInput
from ernie_core.tasks import task, words
from ernie_core.tasks.readers.token_classification import TaggedWords
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.tasks.task import Outputs
from ernie_core.tasks.token_classification import IGNORED, TokenClassification
from ernie_core.tasks.words import Words
from ernie_core.text.basics import SPECIALS
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

TAGS = ("B-PER", "I-PER", "B-LOC", "I-LOC", "O")
NER = TokenClassification(16, TAGS, "BIO", characters=True)
BY_WORDS = replace(NER, characters=False)
TOKENIZER = WordPieceTokenizer((*SPECIALS, *"我你山水在，", "new", "york", "##er", "b", "##b"))


def example(question: tuple[str, ...], tags: str) -> TaggedWords:
    return TaggedWords("1", question, tuple(TAGS.index(tag) for tag in tags.split()))


def answers(learned: TokenClassification, question: Words, *tags: str) -> Outputs:
    """Outputs that give these tags to the tokens of a question, `[CLS]` and `[SEP]` being names."""
    length = int(learned.encode([question], TOKENIZER).lengths[0])
    logits = np.zeros((length, len(TAGS)), np.float32)
    logits[[0, -1], 0] = 9.0
    for number, tag in enumerate(tags, 1):
        logits[number, TAGS.index(tag)] = 9.0
    return [(logits,)]


def test_only_the_first_token_of_a_word_has_its_label() -> None:
    question = ("在", "newer", "york", "山")
    rows = NER.encode([question], TOKENIZER)
    assert [TOKENIZER.vocab[number] for number in rows.input_ids[0]] == [
        "[CLS]", "在", "new", "##er", "york", "山", "[SEP]"
    ]  # fmt: skip
    assert NER.targets([example(question, "O B-LOC I-LOC O")], rows).tolist() == [
        [IGNORED, 4, 2, IGNORED, 3, 4, IGNORED]
    ]


def test_words_that_the_tokenizer_drops_shift_no_label_and_are_answered() -> None:
    question = ("我", "\u200b", "", "你", "\x00", "在", " ")
    rows = NER.encode([question], TOKENIZER)
    assert rows.firsts[0].tolist() == [1, -1, -1, 2, -1, 3, -1]
    assert NER.targets([example(question, "B-PER O O B-LOC O O O")], rows).tolist() == [[IGNORED, 0, 2, 4, IGNORED]]
    (inside,) = NER.decode(answers(NER, question, "B-PER", "I-PER", "O"), rows)
    assert inside.tags == ["B-PER", "I-PER", "I-PER", "I-PER", "O", "O", "O"]
    (between,) = NER.decode(answers(NER, question, "B-PER", "B-PER", "O"), rows)
    assert between.tags == ["B-PER", "O", "O", "B-PER", "O", "O", "O"]


def test_words_beyond_the_row_are_answered_o_and_are_missed() -> None:
    short, question = replace(NER, max_seq_len=4), ("我", "在", "山", "水")
    rows = short.encode([question], TOKENIZER)
    true = example(question, "B-PER O B-LOC I-LOC")
    assert short.targets([true], rows).tolist() == [[IGNORED, 0, 4, IGNORED]]
    outputs = answers(short, question, "B-PER", "O")
    assert short.decode(outputs, rows)[0].tags == ["B-PER", "O", "O", "O"]
    scores = short.scores(outputs, [true], rows)
    assert (scores["precision"], scores["recall"], scores["token_accuracy"]) == (1.0, 0.5, 0.5)
    assert scores["loss"] == pytest.approx(np.log(1 + 4 * np.exp(-9.0)), rel=1e-4)


def test_a_word_of_which_a_part_is_cut_off_still_counts() -> None:
    rows = replace(NER, max_seq_len=4).encode([("我", "newer")], TOKENIZER)
    assert rows.firsts[0].tolist() == [1, 2] and len(rows.input_ids[0]) == 4


def test_entities_of_a_text_have_places_in_it() -> None:
    text = "我 在 New Yorker，山"
    rows = BY_WORDS.encode([text], TOKENIZER)
    found = answers(BY_WORDS, text, "B-PER", "O", "B-LOC", "I-LOC", "I-LOC", "O", "B-LOC")
    (answer,) = BY_WORDS.decode(found, rows)
    assert answer.entities == [
        {"type": "PER", "start": 0, "end": 1, "text": "我"},
        {"type": "LOC", "start": 4, "end": 14, "text": "New Yorker"},
        {"type": "LOC", "start": 15, "end": 16, "text": "山"},
    ]
    assert answer.text().startswith("entities: 我 (PER), New Yorker (LOC), 山 (LOC), prob: 0.99")
    assert answer.row() == {
        "predicted": answer.entities,
        "tags": answer.tags,
        "confidence": round(answer.confidence, 6),
    }


def test_a_text_is_divided_as_the_data_are() -> None:
    assert NER.encode(["在 bb"], TOKENIZER).words == [("在", "b", "b")]
    assert BY_WORDS.encode(["在 bb"], TOKENIZER).words == [("在", "bb")]
    assert NER.encode([""], TOKENIZER).words == [()]
    with pytest.raises(BadInput, match="trained on words, not on"):
        NER.encode([("在", ("bb",))], TOKENIZER)  # type: ignore[list-item]


def test_entities_of_words_are_joined_as_they_are_written() -> None:
    assert words.joined(("我", "山")) == "我山"
    assert words.joined(("New", "York", "在")) == "New York在"
    assert words.joined(("G", "U", "N")) == "GUN"
    question = ("New", "York")
    (answer,) = NER.decode(answers(NER, question, "B-LOC", "I-LOC"), NER.encode([question], TOKENIZER))
    assert answer.entities == NER.truth(example(question, "B-LOC I-LOC"))["entities"]
    assert answer.entities == [{"type": "LOC", "start": 0, "end": 2, "text": "New York"}]


def test_an_empty_text_has_no_entities() -> None:
    (answer,) = NER.decode(answers(NER, ""), NER.encode([""], TOKENIZER))
    assert (answer.entities, answer.tags, answer.confidence) == ([], [], 1.0)
    assert answer.text() == "entities: none, prob: 1.0000"


def test_an_answer_is_graded_by_its_entities_and_compared_tag_by_tag() -> None:
    question = ("我", "在", "山")
    (answer,) = NER.decode(answers(NER, question, "B-PER", "O", "B-PER"), NER.encode([question], TOKENIZER))
    true = example(question, "B-PER O B-LOC")
    assert NER.graded(answer, true) == 0.5
    assert NER.pairs(answer, true) == [("B-PER", "B-PER"), ("B-LOC", "B-PER")]
    assert NER.pairs(answer, example(question, "O O B-PER")) == [("", "B-PER"), ("B-PER", "B-PER")]


def test_predictions_are_handed_in_as_the_data_are_written() -> None:
    question = ("我", "\t", "山")
    predictions = NER.decode(answers(NER, question, "B-PER", "B-LOC"), NER.encode([question], TOKENIZER))
    rows = [example(question, "O O O")]
    assert NER.submission(predictions, rows, "msra_ner") == {
        "msra_ner_predict.tsv": "1\t我\x02 \x02山\tB-PER\x02O\x02B-LOC\n"
    }
    assert NER.submission(predictions * 2, rows * 2, "") == {
        "predictions.conll": "我\tB-PER\n \tO\n山\tB-LOC\n\n我\tB-PER\n \tO\n山\tB-LOC\n"
    }


def test_the_task_of_some_data_is_saved_and_read_again(tmp_path: Path) -> None:
    data = tiny_tags.data(tmp_path / "data", "token_classification")
    learned = TokenClassification.of_data(data, FinetuneRecipe(max_seq_len=16))
    assert learned == NER
    learned.save(tmp_path)
    assert json.loads((tmp_path / "task.json").read_text())["scheme"] == "BIO"
    assert task.read(tmp_path) == learned and learned.differs(data) == ""
    assert replace(learned, labels=("B-ORG", "O")).differs(data)


def test_outputs_of_another_model_are_told() -> None:
    assert NER.misfit(answers(NER, "我", "O")) == ""
    assert NER.misfit([(np.zeros((3, 4)),)]) == "4 logits for 5 labels"


def test_the_loss_is_the_mean_over_labelled_tokens_and_zero_without_any() -> None:
    logits = paddle.to_tensor(np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32"))
    targets = np.array([[IGNORED, 1, 2, IGNORED], [IGNORED, 0, IGNORED, IGNORED]], np.int16)
    wanted = paddle.nn.functional.log_softmax(logits, axis=-1).numpy()[[0, 0, 1], [1, 2, 1], [1, 2, 0]]
    assert float(NER.loss([logits], targets)) == pytest.approx(-wanted.mean(), abs=1e-6)
    assert NER.counts(targets) == (3,)
    assert float(NER.loss([logits], np.full((2, 3), IGNORED, np.int16))) == 0.0
    ((_, counts),) = NER.distributions([logits], targets)
    assert counts is not None
    assert counts.tolist() == [[False, True, True], [False, True, False]]

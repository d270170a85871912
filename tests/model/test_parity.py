"""Equal to PaddleNLP: logits, loss, and each opens the folders of the other."""

import json
from pathlib import Path

import numpy as np
import paddle
import pytest

from ernie_core.model import config, weights
from ernie_core.model.heads import ErnieForPretraining, ErnieForSequenceClassification

pytestmark = pytest.mark.parity

F = paddle.nn.functional

DROPPED = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
IDS = np.array([[1, 7, 8, 9, 2, 30, 31, 2, 0, 0], [1, 5, 11, 6, 7, 2, 9, 44, 45, 2]])
TYPES = np.array([[0] * 5 + [1] * 3 + [0] * 2, [0] * 6 + [1] * 4])
POSITIONS = np.array([2, 6, 13, 17], "int32")
LABELS = np.array([8, 31, 6, 44])
ORDER = np.array([0, 1])


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("paddlenlp.transformers")


def scores(net) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
    net.eval()
    found = net(paddle.to_tensor(IDS), paddle.to_tensor(TYPES))
    return [t.numpy() for t in (found if isinstance(found, tuple) else (found,)) if t is not None]


def apart(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """The largest difference; rows of padding are compared too."""
    assert [x.shape for x in a] == [x.shape for x in b]
    return max(float(np.abs(x - y).max()) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("changes", [
    {}, {"hidden_act": "relu"}, {"use_task_id": True, "type_vocab_size": 4}, {"type_vocab_size": 0},
])  # fmt: skip
@pytest.mark.parametrize("binary_head", [True, False])
def test_our_folder_opens_in_paddlenlp_with_equal_logits(theirs, tmp_path: Path, changes, binary_head) -> None:  # type: ignore[no-untyped-def]
    ours = ErnieForPretraining(config.shape("2L48H4", 60, **DROPPED, **changes), binary_head)
    weights.save(ours, tmp_path)
    opened = getattr(theirs, ours.architecture).from_pretrained(str(tmp_path))
    assert opened.state_dict().keys() == ours.state_dict().keys()
    assert apart(scores(ours), scores(opened)) <= 1e-5


@pytest.mark.parametrize("kind", ["pretraining", "classifier"])
def test_their_folder_opens_here_with_equal_logits(theirs, tmp_path: Path, kind: str) -> None:  # type: ignore[no-untyped-def]
    shape = {"vocab_size": 60, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    said = theirs.ErnieConfig(**shape, intermediate_size=96, type_vocab_size=2, num_labels=3, **DROPPED)
    net = theirs.ErnieForPretraining(said) if kind == "pretraining" else theirs.ErnieForSequenceClassification(said)
    net.save_pretrained(str(tmp_path))
    read = config.read(tmp_path)
    ours = ErnieForPretraining(read) if kind == "pretraining" else ErnieForSequenceClassification(read)
    weights.load(ours, tmp_path)
    assert apart(scores(ours), scores(net)) <= 1e-5


@pytest.mark.parametrize("old", [False, True])
def test_their_encoder_alone_goes_into_ours_with_equal_states(theirs, tmp_path: Path, old: bool) -> None:  # type: ignore[no-untyped-def]
    shape = {"vocab_size": 60, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    shape |= {"intermediate_size": 96, "type_vocab_size": 2, **DROPPED}
    net = theirs.ErnieModel(theirs.ErnieConfig(**shape))
    net.save_pretrained(str(tmp_path))
    if old:  # as their versions before `config.json` wrote it
        (tmp_path / config.FILE).unlink()
        (tmp_path / config.OLD_FILE).write_text(json.dumps(shape | {"init_class": "ErnieModel"}))
    opened = theirs.ErnieForPretraining.from_pretrained(str(tmp_path))
    ours, task = ErnieForPretraining(config.read(tmp_path)), ErnieForSequenceClassification(config.read(tmp_path))
    lacking = weights.start_from(ours, tmp_path)
    weights.load(task, tmp_path, partial="ernie.")
    assert lacking and all(name.startswith("cls.") for name in lacking)
    for encoder in (ours.ernie, task.ernie, opened.ernie):
        assert apart(scores(encoder), scores(net)) <= 1e-5


def test_a_classifier_of_ours_opens_in_paddlenlp(theirs, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ours = ErnieForSequenceClassification(config.shape("2L48H4", 60, num_labels=5, **DROPPED))
    weights.save(ours, tmp_path)
    opened = theirs.ErnieForSequenceClassification.from_pretrained(str(tmp_path))
    assert apart(scores(ours), scores(opened)) <= 1e-5


def test_one_step_of_both_gives_equal_losses_and_weights(theirs, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from ernie_core.train.optim import optimiser
    from ernie_core.train.parallel import gradients

    ours = ErnieForPretraining(config.shape("2L48H4", 60, **DROPPED))
    weights.save(ours, tmp_path)
    opened = theirs.ErnieForPretraining.from_pretrained(str(tmp_path))
    losses = []
    for net in (ours, opened):
        net.train()
        steps = optimiser.adamw(net)
        for _ in range(2):
            lm, order = net(
                paddle.to_tensor(IDS), paddle.to_tensor(TYPES), masked_positions=paddle.to_tensor(POSITIONS)
            )
            loss = F.cross_entropy(lm, paddle.to_tensor(LABELS)) + F.cross_entropy(order, paddle.to_tensor(ORDER))
            losses.append(float(loss))
            loss.backward()
            steps.step(1e-3)
            gradients.let_go(net)
    assert losses[0] == pytest.approx(losses[2], abs=1e-6) and losses[1] == pytest.approx(losses[3], abs=1e-6)
    assert losses[1] < losses[0]

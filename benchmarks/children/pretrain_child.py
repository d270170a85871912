"""One training in a separate process, ours or PaddleNLP's, which records the time of each step: for ../pretrain.py.

The peer is older than the library it runs on here, so two of its names are put back: shapes are config
objects now, and what wrote `model_config.json` is `config.save_pretrained`.
"""

import json
import runpy
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import paddle

from ernie_core.data import vocabulary
from ernie_core.data.samples import Batch
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.pretrain import objective, pretrain
from ernie_core.pretrain.losses import PretrainLosses
from ernie_core.pretrain.objective import Pretraining
from ernie_core.pretrain.recipe import PretrainRecipe
from ernie_core.progress import silent
from ernie_core.store import open_store
from ernie_core.train import start
from ernie_core.train.checkpoint.commit import CheckpointLocation
from ernie_core.train.monitor.log import Log
from ernie_core.train.optim.host import HostAdamW
from ernie_core.train.parallel.join import join
from ernie_core.train.parallel.team import ALONE
from ernie_core.train.step import feed, step

Asked = Mapping[str, str | float]
NEVER = 10**6


def main(asked: Asked) -> None:
    """Run the requested training, and write `steps.json`."""
    found = {"ours": ours, "padded": padded, "peer": peer, "checkpoint": checkpoint}[str(asked["who"])](asked)
    if found:
        Path(str(asked["out"]), "steps.json").write_text(json.dumps(found))


def ours(asked: Asked) -> dict[str, list[float]]:
    """Our trainer unchanged."""
    team, marks = join(), Marks(ErnieForPretraining, HostAdamW)
    recipe = settings(asked, team.world)
    pretrain.run(
        [(Path(str(asked["ids"])), 1.0)],
        Path(str(asked["vocab"])),
        model_folder(asked),
        recipe,
        checkpoints=place(asked, team.rank),
        cache=Path(str(asked["cache"])) if "cache" in asked else None,
        team=team,
    )
    return marks.steps() if team.rank == 0 else {}


def padded(asked: Asked) -> dict[str, list[float]]:
    """Our trainer with PaddleNLP's mean: over masked tokens and their padding to a multiple of 8."""
    plain = objective.losses

    def scaled(net: ErnieForPretraining, batch: Batch) -> PretrainLosses:
        found = plain(net, batch)
        return replace(found, lm=found.lm * (found.masked / (-(-found.masked // 8) * 8)))

    objective.losses = scaled  # type: ignore[assignment]
    return ours(asked)


def peer(asked: Asked) -> dict[str, list[float]]:
    """run_pretrain.py unchanged."""
    from paddlenlp import transformers

    recipe, folder = settings(asked, 1), str(asked["peer"])
    words = vocabulary.read(Path(str(asked["vocab"])))
    said = asdict(recipe.shape(words.size, words.pad))
    marks = Marks(transformers.ErnieForPretraining, paddle.optimizer.AdamW)
    transformers.ErnieForPretraining.pretrained_init_configuration = {"measured": said}
    transformers.ErnieModel = lambda enable_recompute=False, **shape: transformers.ErnieConfig(**shape)
    transformers.PretrainedModel.get_model_config = lambda net: net.config.to_dict()
    transformers.PretrainedModel.save_model_config = lambda net, into: net.config.save_pretrained(into)
    shared = (
        "max_seq_len micro_batch_size max_steps max_lr min_lr warmup_rate weight_decay grad_clip split eval_freq"
        " eval_iters checkpoint_steps save_steps logging_freq hidden_dropout_prob attention_probs_dropout_prob"
    )
    options = {name: getattr(recipe, name) for name in shared.split()} | {
        "model_type": "ernie", "model_name_or_path": "measured", "tokenizer_name_or_path": asked["vocab"],
        "input_dir": asked["ids"], "output_dir": str(Path(str(asked["out"]), "peer")), "device": "cpu",
        "decay_steps": recipe.max_steps,
    }  # fmt: skip
    sys.path.insert(0, folder)
    sys.argv = [f"{folder}/run_pretrain.py", *(text for k, v in options.items() for text in (f"--{k}", str(v)))]
    runpy.run_path(sys.argv[0], run_name="__main__")
    return marks.steps()


def checkpoint(asked: Asked) -> dict[str, list[float]]:
    """Seconds that a save stops the training, by itself and before the next update, and those of a copy of its bytes.

    The copy is one call, in one thread, into memory that is already there. The first save does not count: it gets its
    memory. `plain` and `beside` are the steps without a save and those while one is being copied and written.
    """
    data, vocab = [(Path(str(asked["ids"])), 1.0)], Path(str(asked["vocab"]))
    recipe = settings(asked, 1)
    learned = Pretraining.of(data, vocab, recipe, None, None)
    training = start.prepare(learned, place(asked, 0), ALONE, Log(learned.course, silent))
    count = 3 * sum(p.size for p in learned.net.parameters())
    source, target = np.ones(count, "float32"), np.ones(count, "float32")
    found: dict[str, list[float]] = {"stopped": [], "copy": [], "plain": [], "beside": []}
    with feed(training) as batches:
        step(training, batches, False)
        while training.at.step + 2 <= recipe.max_steps:
            found["plain"].append(seconds(lambda: step(training, batches, False)))
            waited, at = training.log.whole.saved, training.at
            call = partial(training.saver.save, at.step, learned.net, training.adamw, at, training.identity, vocab)
            stopped = seconds(call)
            found["beside"].append(seconds(lambda: step(training, batches, False)))
            found["stopped"].append(stopped + training.log.whole.saved - waited)
            training.saver.wait()
            found["copy"].append(seconds(lambda: np.copyto(target, source)))
    return found


class Marks:
    """Records when each update ended, and the input of the net before it."""

    def __init__(self, net: type, adamw: type) -> None:
        self.times: list[tuple[float, float]] = []
        self.seen: list[list[paddle.Tensor]] = [[]]
        update, forward = adamw.step, net.forward  # type: ignore[attr-defined]

        def marked(*given: object) -> None:
            update(*given)
            self.times.append((time.perf_counter(), time.process_time()))
            self.seen.append([])

        def watched(model: paddle.nn.Layer, *given: paddle.Tensor, **named: paddle.Tensor) -> object:
            if model.training:
                self.seen[-1].append(named["input_ids"] if "input_ids" in named else given[0])
            return forward(model, *given, **named)

        adamw.step = marked  # type: ignore[attr-defined]
        net.forward = watched  # type: ignore[attr-defined]

    def steps(self) -> dict[str, list[float]]:
        """Seconds, CPU seconds and tokens without padding of every step but the first, and the end of the first."""
        differences = np.diff(np.array(self.times), axis=0)
        tokens = [float(sum(int((x != 0).sum()) for x in given)) for given in self.seen[1 : len(self.times)]]
        walls, used = differences.T.tolist()
        return {"wall": walls, "cpu": used, "tokens": tokens, "first": [self.times[0][0]]}


def settings(asked: Asked, world: int) -> PretrainRecipe:
    """The published settings, without checkpoints or evaluations."""
    length, micro, steps = (int(asked[name]) for name in ("length", "micro", "steps"))
    return PretrainRecipe(
        arch=str(asked["arch"]), max_seq_len=length, micro_batch_size=micro, global_batch_size=micro * world,
        max_steps=steps, max_lr=float(asked.get("max_lr", 1e-4)), min_lr=1e-5, warmup_rate=0.1, split="95,4,1",
        eval_freq=NEVER, eval_iters=1, checkpoint_steps=NEVER, save_steps=NEVER, index_order="paddlenlp",
        logging_freq=int(asked.get("logging_freq", max(1, steps // 2))),
    )  # fmt: skip


def place(asked: Asked, rank: int) -> CheckpointLocation:
    """The location of checkpoints."""
    scratch = Path(str(asked["out"]), f"scratch-{rank}")
    scratch.mkdir()
    return CheckpointLocation(open_store(Path(str(asked["out"]), "store")), "pretrain/measured", scratch)


def model_folder(asked: Asked) -> Path:
    """The folder of the model."""
    folder = Path(str(asked["out"]), "model")
    folder.mkdir(exist_ok=True)
    return folder


def seconds(action: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

"""The `compress` step: a task model -> a small one that is served."""

from typing import ClassVar

from components.contract.base import Here, In, Out, Scores, Step
from components.contract.kinds import Finetuned, Inference, TaskData
from components.contract.scores import Score, several, share
from ernie_core.compress import strategies
from ernie_core.tasks import known

_MEASURED = {f"{name}{model}": known.led_by(name) for name in known.MAIN for model in ("", "_fp32")} | {"agreement": ()}


class Compress(Step):
    """Export a task model to Paddle's static format and ONNX, and quantise it.

    Scores with `_fp32` are those of the float model; `agreement` is the share of examples with the same answer in both.
    """

    image = "deploy"
    main_scores: ClassVar[tuple[str, ...]] = (*_MEASURED, "size_mb")
    scores: ClassVar[tuple[Score, ...]] = (
        *several("size_mb size_mb_fp32 p50_ms p50_ms_fp32"),
        *(
            share(
                f"{split}{name}",
                sure=not split and (name == "agreement" or len(known.MAIN) == 1),
                tasks=tasks,
                when=lambda _, bound: "task_data" in bound,
                needs="labelled examples, `task_data`",
            )
            for split in ("", "test_")
            for name, tasks in _MEASURED.items()
        ),
    )

    strategy: strategies.Name = "int8"
    """Quantisation. `int8`: dynamic, of matrices and embedding tables, without training; `none`: float."""

    def run(
        self, finetuned: In[Finetuned], task_data: In[TaskData] | None, inference: Out[Inference], here: Here
    ) -> Scores:
        from ernie_core.compress import inference as exported

        return exported.build(
            finetuned, task_data, inference, here.scratch,
            strategy=self.strategy, progress=here.progress, stop=here.stop,
        )  # fmt: skip

"""The `compress` step: a task model -> a small one that is served."""

from typing import ClassVar, Literal

from components.base import Here, In, Out, Scores, Step
from components.kinds import Finetuned, Inference, TaskData
from components.scores import Score, several, share


class Compress(Step):
    """Export a task model to Paddle's static form and ONNX, and quantise it.

    Scores with `_fp32` are those of the float model; agreement is the share of equal labels of the two.
    """

    image = "deploy"
    scores: ClassVar[tuple[Score, ...]] = (
        *several("size_mb size_mb_fp32 p50_ms p50_ms_fp32"),
        *(
            share(f"{split}{name}", when=lambda _, bound: "task_data" in bound, needs="labelled examples, `task_data`")
            for split in ("", "test_")
            for name in ("accuracy", "accuracy_fp32", "agreement")
        ),
    )

    strategy: Literal["none", "int8"] = "int8"
    """`int8`: dynamic post-training quantisation of matrices and embedding tables, without training; `none`: float."""

    def run(
        self, finetuned: In[Finetuned], task_data: In[TaskData] | None, inference: Out[Inference], here: Here
    ) -> Scores:
        from ernie_core.compress import inference as exported

        return exported.build(
            finetuned, task_data, inference, here.scratch,
            strategy=self.strategy, progress=here.progress, stop=here.stop,
        )  # fmt: skip

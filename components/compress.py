"""The `compress` step: a task model -> a small one that is served."""

from typing import Literal

from components.base import Here, In, Out, Scores, Step
from components.kinds import Finetuned, Inference, TaskData


class Compress(Step):
    """Export a task model to Paddle's static form and ONNX, and quantise it.

    Scores: size_mb, accuracy, test_accuracy, p50_ms of the result, the same with `_fp32` of the float model, and
    agreement, the share of equal labels. Accuracies need labelled examples.
    """

    image = "deploy"

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

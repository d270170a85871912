"""The objective of a training, as the engine sees it: a net, batches, losses and evaluations of any model.

The loop, the saver, the log, the guards and the report work on this alone, so that every training (pretraining,
fine-tuning) resumes with the same bits, runs in a gang, accumulates, and reports in the same way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ernie_core.progress import Stop
from ernie_core.train.settings import Settings

if TYPE_CHECKING:  # log and report use only a course, and a page can be made without Paddle
    import paddle

    from ernie_core.train.parallel.team import Team

B = TypeVar("B")

Figures = Mapping[str, float]
Facts = Mapping[str, str | int | float | bool]


@dataclass(frozen=True)
class Curve:
    """A chart of the report."""

    name: str
    """Name of a loss, or of a figure of the evaluations."""
    title: str
    is_share: bool = False
    """Whether it is a figure of the evaluations between 0 and 1, shown as a percentage."""


@dataclass(frozen=True)
class Course:
    """What log and report show of a training: its length, and the meaning of its figures."""

    title: str
    settings: Settings
    steps: int
    """Total number of steps."""
    samples: int
    """Number of samples in one step, over all processes."""
    names: tuple[str, ...]
    """Names of the losses; the first is minimised."""
    part: str
    """Part of the data that is evaluated between steps: `valid`, `dev`."""
    schedule: Callable[[int], float]
    """Returns the learning rate of a step, counted from 1."""
    text: Callable[[Figures], str]
    """Formats losses or figures of an evaluation for a log line."""
    curves: tuple[Curve, ...]
    """Charts of the report, the loss first."""
    tokens: int = 0
    """Number of positions in one step, if it is the same for all."""
    flops: float = 0.0
    """Floating-point operations per position, forward and backward; 0: unknown."""

    @property
    def window(self) -> int:
        """Number of steps per line of train_log.jsonl: about a thousand lines for a run of any length."""
        return max(1, self.steps // 1000)

    def shown(self, *, lasting: bool) -> dict[str, Any]:
        """The settings by name; `lasting`: only those that could make another model."""
        kept = {*self.settings.lasting(), *self.settings.ends()}
        return {name: value for name, value in asdict(self.settings).items() if not lasting or name in kept}


@dataclass(frozen=True)
class Losses:
    """The losses of a micro batch."""

    total: "paddle.Tensor"
    """The loss to minimise, float32 []."""
    values: Sequence[float]
    """Means over the micro batch, one per name in `Course.names`; the first is that of `total`."""
    tokens: int
    """Number of positions that passed through the net."""
    weight: float = 1.0
    """Weight of the micro batch in its step; the mean over the step is 1, so only a micro batch of another size has
    another weight."""


@dataclass(frozen=True)
class Evaluation:
    """Figures of a part of the data, over a number of batches and samples."""

    part: str
    figures: Figures
    batches: int
    samples: int


@dataclass(frozen=True)
class Best:
    """The evaluation whose weights are kept."""

    step: int
    figures: Figures
    weights: Mapping[str, Any]
    """Arrays by the names of the net's parameters."""


@dataclass(frozen=True)
class Identity:
    """The identity of a training: facts that must be equal for it to resume, and facts that only change bits."""

    must: Facts
    note: Facts
    samples: int = 0
    """Of a step."""
    title: str = ""


@dataclass(frozen=True)
class Summary:
    """The course of a finished training, for writing its model."""

    step: int
    """The last step."""
    best: Best | None
    lines: Sequence[str]
    """Lines of train_log.jsonl."""
    evaluations: Sequence[Evaluation]
    """Evaluations of `Objective.finish`."""


class Objective(Protocol[B]):
    """What is learned. All processes of a training have equal ones, and each computes its own batches.

    Everything random in it is a function of its seed and of the arguments, so that a resumed training repeats what an
    uninterrupted one does.
    """

    course: Course
    net: "paddle.nn.Layer"
    """The net, with a `config` and an `architecture`; initially with the weights before the first step, equal in all
    processes."""
    micro_batches: int
    """Number of micro batches in one step, over all processes: a multiple of their number."""
    patience: int | None
    """Number of consecutive evaluations without a new best after which the training ends; None: never."""
    remedy: str
    """Advice for a loss that is not finite or has spikes."""
    tokenizer: Path
    """Folder with the tokenizer's files, which are copied to every checkpoint."""
    data: Sequence[Facts]
    """Rows of the report's table of the data."""

    def seed(self, step: int, rank: int) -> int:
        """The random seed of a step of one process."""

    def batch(self, step: int, micro: int) -> B:
        """Micro batch `micro` (from 0) of a step (from 1). Called in order in a thread, ahead of time."""

    def losses(self, batch: B) -> Losses:
        """Run the net on a micro batch."""

    def again(self, batch: B) -> Losses | None:
        """A second pass over a micro batch, called after the backward pass of the first: its gradients are added, its
        losses are not reported. None: there is none."""

    def first(self, loss: float) -> str:
        """A verdict on weights and data by the loss of the first step; empty: none."""

    def begin(self, say: Callable[[str], None]) -> str:
        """Set the initial weights, if there is no checkpoint; returns what they are, as in `from random weights`."""

    def stepped(self, step: int, losses: Sequence[float]) -> None:
        """Called after a step; its losses are means over all processes."""

    def is_due(self, step: int) -> bool:
        """Whether to evaluate after this step."""

    def evaluate(self, step: int, team: "Team") -> Evaluation:
        """Figures of the net after a step; all processes call it together and get the same."""

    def better(self, figures: Figures, best: Figures | None) -> bool:
        """Whether an evaluation beats the best so far, so that its weights are kept; else the last are kept."""

    def state(self) -> Mapping[str, Any]:
        """State of the objective for a checkpoint, as JSON values; empty if it is a function of the step."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Resume from the result of `state`."""

    def identity(self) -> Identity:
        """The facts that must be equal for a checkpoint to belong to this training."""

    def finish(self, team: "Team", stop: Stop) -> Iterator[Evaluation]:
        """Evaluate the final weights (the best, if those are kept); the same after a resume."""

    def scores(self, summary: Summary) -> dict[str, float]:
        """The scores of the training; called in all processes."""

    def write(self, folder: Path, summary: Summary) -> None:
        """Write the objective's own files to the model's folder, beside weights, curve and report."""

"""The `package` step: an exported model under a name, for anyone to pull."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from components.base import Here, In, Out, Scores, Step, Unmeasured
from components.kinds import Inference, Report
from components.kinds import Package as Packaged
from components.scores import Score, several, share

_UNEVALUATED = Unmeasured("nothing was evaluated: put an `evaluate` step before it, or take the gate out")
_SLUG = r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?"


class Package(Step):
    """Give an exported model a name and a version, with its scores and how it was made.

    Scores: those of the report, or of the exported model without one.
    """

    image = "deploy"
    unmeasured: ClassVar[Mapping[str, Unmeasured]] = dict.fromkeys(
        ("accuracy", "macro_f1", "loss", "examples", "test_accuracy", "agreement"), _UNEVALUATED
    )
    hands_on: ClassVar[bool] = True
    scores: ClassVar[tuple[Score, ...]] = (
        share("accuracy", sure=False),
        *several("loss examples", sure=False, when=lambda _, bound: "report" in bound, needs="a `report`"),
        *(share(n, sure=False, when=lambda _, b: "report" in b, needs="a `report`") for n in ("macro_f1", "share_*")),
        *several("size_mb size_mb_fp32", sure=False, when=lambda _, b: "report" not in b, needs="no `report`"),
        *(
            share(name, sure=False, when=lambda _, bound: "report" not in bound, needs="no `report`")
            for name in ("accuracy_fp32", "agreement", "test_accuracy", "test_accuracy_fp32", "test_agreement")
        ),
    )

    name: Annotated[str, Field(pattern=f"^{_SLUG}$")]
    """What it is pulled by: a-z, 0-9, `.`, `_` and `-`."""
    version: Annotated[str, Field(pattern=f"^({_SLUG})?$")] = ""
    """Its version; left out: the first 8 digits of the step's fingerprint."""

    def named(self, fingerprint: str) -> str:
        """The version of an artefact with this fingerprint."""
        return self.version or fingerprint[:8]

    def run(self, inference: In[Inference], report: In[Report] | None, package: Out[Packaged], here: Here) -> Scores:
        from ernie_core.serve import index
        from ernie_core.serve import package as packages

        version = self.named(here.fingerprint)
        scores = packages.build(inference, report, package, name=self.name, version=version, lineage=here.lineage())
        index.register(
            here.store, name=self.name, version=version,
            address=here.address, fingerprint=here.fingerprint, scores=scores,
        )  # fmt: skip
        return scores

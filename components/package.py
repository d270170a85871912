"""The `package` step: an exported model under a name, for anyone to pull."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from components.base import Here, In, Out, Scores, Step, Unmeasured
from components.kinds import Inference, Report
from components.kinds import Package as Packaged

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

    name: Annotated[str, Field(pattern=f"^{_SLUG}$")]
    """What it is pulled by: a-z, 0-9, `.`, `_` and `-`."""
    version: Annotated[str, Field(pattern=f"^({_SLUG})?$")] = ""
    """Its version; left out: the first 8 digits of the step's fingerprint."""

    def run(self, inference: In[Inference], report: In[Report] | None, package: Out[Packaged], here: Here) -> Scores:
        from ernie_core.serve import index
        from ernie_core.serve import package as packages

        version = self.version or here.fingerprint[:8]
        scores = packages.build(inference, report, package, name=self.name, version=version, lineage=here.lineage())
        index.register(
            here.store, name=self.name, version=version,
            address=here.address, fingerprint=here.fingerprint, scores=scores,
        )  # fmt: skip
        return scores

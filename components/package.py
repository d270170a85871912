"""The `package` step: an exported model under a name, for anyone to pull."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from components.contract.base import Here, In, Out, Scores, Step, Unmeasured
from components.contract.kinds import Inference, Report
from components.contract.kinds import Package as Packaged
from components.contract.scores import Score, several, share
from ernie_core.tasks import known

_UNEVALUATED = Unmeasured("nothing was evaluated: put an `evaluate` step before it, or remove the gate")
_REPORTED = (*(name for name in known.SHARES if name not in known.MAIN), *known.ANSWERS)
_EXPORTED = {
    f"{split}{name}{model}": known.led_by(name)
    for split in ("", "test_") for name in known.MAIN for model in ("", "_fp32") if split or model
} | {"agreement": (), "test_agreement": ()}  # fmt: skip
_SLUG = r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?"


class Package(Step):
    """Give an exported model a name and a version, with its scores and its provenance.

    Scores are those of the report, or without one those of the exported model.
    """

    image = "deploy"
    unmeasured: ClassVar[Mapping[str, Unmeasured]] = dict.fromkeys(
        (*known.SHARES, "loss", "examples", *(f"test_{name}" for name in known.MAIN), "agreement"), _UNEVALUATED
    )
    hands_on: ClassVar[bool] = True
    main_scores: ClassVar[tuple[str, ...]] = known.SHARES
    scores: ClassVar[tuple[Score, ...]] = (
        *(share(name, sure=False, tasks=known.having(name)) for name in known.MAIN),
        *several("loss examples", sure=False, when=lambda _, bound: "report" in bound, needs="a `report`"),
        *(
            share(name, sure=False, when=lambda _, b: "report" in b, needs="a `report`", tasks=known.having(name))
            for name in _REPORTED
        ),
        *(
            share(name, sure=False, when=lambda _, b: "report" in b, needs="a `report`", tasks=tasks)
            for name, tasks in known.BY_LANGUAGE.items()
        ),
        *several("size_mb size_mb_fp32", sure=False, when=lambda _, b: "report" not in b, needs="no `report`"),
        *(
            share(name, sure=False, when=lambda _, b: "report" not in b, needs="no `report`", tasks=tasks)
            for name, tasks in _EXPORTED.items()
        ),
    )

    name: Annotated[str, Field(pattern=f"^{_SLUG}$")]
    """Package name, for `kfp pull`: a-z, 0-9, `.`, `_` and `-`."""
    version: Annotated[str, Field(pattern=f"^({_SLUG})?$")] = ""
    """Package version; default: the first 8 digits of the step's fingerprint."""

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

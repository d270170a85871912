"""Settings of a place, apart from specs: `site.yaml` beside the spec or above it, or `$ERNIE_JOBS_SITE`."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.values import Size
from jobs import document, fields
from jobs.problems import Problem, SpecError


class S3(BaseModel):
    """Where `s3://` is, when it is not AWS."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    endpoint_url: str | None = Field(None, pattern=r"^https?://")
    """Of the object store."""
    region: str | None = None
    """Its region."""


class Site(BaseModel):
    """What a platform team owns."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    store: str | None = None
    """The store of specs that name none, and of `ls` and `pull`."""
    s3: S3 = S3()
    """The object store."""
    cpus: int | None = Field(None, ge=1)
    """Cores that local runs may use together; all, if absent."""
    memory: Size | None = None
    """Memory that local runs may use together; all there is, if absent."""

    def capacity(self) -> tuple[int, int]:
        """Cores and bytes of memory that the steps of a local run may use together."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return min(self.cpus or cores, cores), min(self.memory or memory, memory)


def find(folder: Path) -> Site:
    """The site file that holds for a folder; an empty one if there is none."""
    named = os.environ.get("ERNIE_JOBS_SITE")
    if named:
        return read(Path(named))
    here = folder.resolve()
    for place in (here, *here.parents):
        if (place / "site.yaml").is_file():
            return read(place / "site.yaml")
    return Site()


def read(file: Path) -> Site:
    """Check a site file and make its object store known to this process and its children."""
    try:
        doc = document.parse(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise SpecError(
            [Problem(str(file), 1, "", f"cannot be read: {error.strerror}, correct $ERNIE_JOBS_SITE")]
        ) from error
    try:
        site = Site.model_validate(doc.value or {})
    except ValidationError as error:
        raise SpecError(doc.problem(path, text) for path, text in _problems(error)) from error
    if site.store and "://" not in site.store:
        site = site.model_copy(update={"store": str((file.parent / Path(site.store).expanduser()).resolve())})
    return site


def environment(site: Site) -> dict[str, str]:
    """The variables by which AWS libraries learn of the object store; what the user exported wins."""
    wanted = {"AWS_ENDPOINT_URL_S3": site.s3.endpoint_url, "AWS_REGION": site.s3.region}
    return {name: value for name, value in wanted.items() if value and name not in os.environ}


def _problems(error: ValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    found = []
    for path, text in fields.problems(Site, error):
        found += [(path, text)] if path[:1] != ("s3",) else []
    found += [(("s3", *path[1:]), text) for path, text in fields.problems(S3, error) if path[:1] == ("s3",)]
    return found

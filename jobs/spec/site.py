"""Settings of a place, apart from specs: `site.yaml` beside the spec or above it, or `$ERNIE_JOBS_SITE`."""

import os
from pathlib import Path

from pydantic import Field, PrivateAttr, ValidationError

from components.contract.strict import Strict
from components.contract.values import Size
from ernie_core.catalogue import mirror
from jobs.spec import addresses, document, fields, reading
from jobs.spec.cluster import S3, Cluster, contradictions
from jobs.spec.problems import Problem, SpecError


class Site(Strict):
    """What a platform team owns."""

    store: str | None = None
    """Store of specs that name none, and of `ls` and `pull`."""
    s3: S3 = Field(default_factory=S3)
    """Object store, if it is not AWS."""
    mirror: str | None = None
    """Folder, `https://host/folder/` or `s3://bucket/prefix/` with published models and data sets; steps then download
    from nowhere else."""
    cpus: int | None = Field(None, ge=1)
    """Number of cores that local runs may use together; default: all."""
    memory: Size | None = None
    """Memory that local runs may use together, such as `16GiB`; default: all."""
    cluster: Cluster | None = None
    """Kubernetes cluster of `--on cluster`."""

    _file: str = PrivateAttr("")

    def capacity(self) -> tuple[int, int]:
        """Cores and bytes of memory that the steps of a local run may use together."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return min(self.cpus or cores, cores), min(self.memory or memory, memory)

    def problem(self, path: str, text: str) -> Problem:
        """Something that a job misses in this site file."""
        return Problem(self._file or "site.yaml", 0, path, text)


def find(folder: Path) -> Site:
    """The site file that holds for a folder; an empty one if there is none."""
    named = os.environ.get("ERNIE_JOBS_SITE")
    if named:
        return read(Path(named))
    here = folder.resolve()
    for place in (here, *here.parents):
        if (place / "site.yaml").is_file():
            return read(place / "site.yaml")
    return Site.model_construct()  # nothing to check, so that nothing is built to check it with


def read(file: Path) -> Site:
    """Check a site file and make its object store known to this process and its children."""
    try:
        text = reading.read(file, "correct $ERNIE_JOBS_SITE, or the site.yaml beside the spec or above it")
    except FileNotFoundError as error:
        raise SpecError(
            [Problem(str(file), 1, "", f"cannot be read: {error.strerror}, correct $ERNIE_JOBS_SITE")]
        ) from error
    doc = document.parse(text, str(file))
    try:
        site = Site.model_validate({} if doc.value is None else doc.value)
    except ValidationError as error:
        raise SpecError(doc.problem(path, text) for path, text in fields.problems(Site, error, doc)) from error
    if site.cluster and (wrong := contradictions(site.cluster)):
        raise SpecError(doc.problem(("cluster", *path), text) for path, text in wrong)
    if site.store:
        try:
            site = site.model_copy(update={"store": addresses.store(site.store, file.parent)})
        except ValueError as error:
            raise SpecError([doc.problem(("store",), str(error))]) from error
    for path, given in {("mirror",): site.mirror, ("cluster", "mirror"): site.cluster and site.cluster.mirror}.items():
        try:
            found = mirror.address(given, file.parent) if given else None
        except ValueError as error:
            raise SpecError([doc.problem(path, str(error))]) from error
        if path == ("mirror",) and found:
            site = site.model_copy(update={"mirror": found})
    site._file = str(file)
    return site


def environment(site: Site) -> dict[str, str]:
    """The variables by which AWS libraries learn of the object store, and steps of the mirror; what the user exported
    wins."""
    found = {**site.s3.environment(), **({mirror.VARIABLE: site.mirror} if site.mirror else {})}
    return {name: value for name, value in found.items() if name not in os.environ}


def cluster_store(store: str, site: Site) -> str:
    """The store of a run on the cluster: that of the spec, unless it is a folder of this machine only."""
    cluster = site.cluster
    if cluster is None or cluster.store is None or store.startswith("s3://") or cluster.holds(store):
        return store
    return cluster.store

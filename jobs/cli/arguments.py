"""Arguments that commands share: a spec and its edits, a store, a run, `--json`."""

import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ernie_core.errors import NotFound

if TYPE_CHECKING:
    from ernie_core.store import Store
    from jobs.plan.prepare import Prepared
    from jobs.runs import Run

F = TypeVar("F", bound=Callable[..., Any])


def spec(command: F) -> F:
    """SPEC and `--set`."""
    command = click.option(
        "--set", "edits", multiple=True, metavar="STEP.KEY=VALUE", help="Edit the spec; recorded with the run."
    )(command)
    return click.argument("spec", type=click.Path(path_type=Path, dir_okay=False))(command)


def store(command: F) -> F:
    """`--store`."""
    return click.option(
        "--store",
        metavar="URL",
        help="Store: a folder or s3://bucket/prefix; default: that of the site file or of the last run here.",
    )(command)


def as_json(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")(command)


def prepare(file: Path, edits: tuple[str, ...], *, on_cluster: bool = False) -> "Prepared":
    """Check and plan a spec; every edit is shown."""
    from ernie_core.wording import brief
    from jobs.cli import waiting
    from jobs.local import environments
    from jobs.plan import prepare
    from jobs.spec import document

    changes = [document.edit(text) for text in edits]
    for change in changes:
        click.echo(brief(f"set {change}"), err=True)
    home = environments.ready()
    with waiting.wiped() as line:
        return prepare.from_file(file, changes, home, line.hashing, on_cluster=on_cluster)


def server() -> dict[str, str]:
    """The options before the command that say how to reach a server."""
    from jobs.cli.commands import Root

    root = click.get_current_context().find_object(Root)
    return root.server if root else {}


def find_store(url: str | None) -> "Store":
    """The named store, the site's, or that of the last run on this machine, which is then printed."""
    import os

    from ernie_core.store import open_store
    from jobs import runs
    from jobs.local import environments
    from jobs.spec import site

    here = site.find(Path.cwd())
    os.environ.update(site.environment(here))
    if url or here.store:
        return open_store(url or str(here.store))
    try:
        found, _ = runs.recall(environments.home())
    except NotFound as error:
        raise NotFound("which store? name it with --store, or in a site.yaml here or above") from error
    click.echo(f"store {found.url} (of the last run on this machine, --store names another)", err=True)
    return found


def find_run(what: str | None, url: str | None) -> "tuple[Store, Run]":
    """A run by its id, or the newest run of a job or a spec; default: the last run on this machine."""
    import os

    from ernie_core.store import open_store
    from jobs import runs
    from jobs.local import environments
    from jobs.spec import parser, site

    if what and Path(what).suffix in (".yaml", ".yml"):
        job = parser.load(Path(what))
        os.environ.update(site.environment(job.site))
        stores = dict.fromkeys((job.store, site.cluster_store(job.store, job.site)))
        return _newest([open_store(place) for place in stores], job.name)
    if url:
        store = open_store(url)
        known = [run for run in runs.list_runs(store) if what in (None, run.id, run.job)]
        if known:
            return store, known[0]
        raise NotFound(f"no run `{what or ''}` in {store.url}; `kfp ls --runs --store {store.url}` lists them")
    return runs.recall(environments.home(), what)


def show_json(value: Mapping[str, Any] | list[Any]) -> None:
    """One document on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def _newest(stores: "Sequence[Store]", job: str) -> "tuple[Store, Run]":
    """The newest run of a job that may have run both here and on a cluster."""
    from jobs import runs

    found = [(run, store) for store in stores for run in itertools.islice(runs.list_runs(store, job), 1)]
    if not found:
        raise NotFound(f"`{job}` was never run in {' or '.join(store.url for store in stores)}")
    run, store = max(found, key=lambda row: row[0].id)
    return store, run

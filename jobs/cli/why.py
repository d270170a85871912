"""`kfp why`: why a step runs again, or the provenance of an artefact."""

from pathlib import Path
from typing import Any

import click

from jobs.cli import arguments


@click.command(
    "why",
    help="Explain which change makes each STEP of a spec run again, or show the provenance of a package or artefact.",
)
@click.argument("what")
@click.argument("step", required=False)
@click.option("--set", "edits", multiple=True, metavar="STEP.KEY=VALUE", help="Edit the spec first.")
@arguments.store
@arguments.as_json
def command(what: str, step: str | None, edits: tuple[str, ...], store: str | None, as_json: bool) -> int:
    if Path(what).suffix in (".yaml", ".yml"):
        return _spec(Path(what), step, edits, as_json)
    return _origin(what, store, as_json)


def _spec(file: Path, step: str | None, edits: tuple[str, ...], as_json: bool) -> int:
    from ernie_core.errors import NotFound
    from jobs import report
    from jobs.spec.problems import unknown

    prepared = arguments.prepare(file, edits)
    planned = {s.node.name: s for s in prepared.plan.steps}
    if step and step not in planned:
        raise NotFound(f"step {unknown(step, planned, f'is not in {file}')}")
    chosen = [planned[step]] if step else list(planned.values())
    if as_json:
        arguments.show_json([s.to_json() for s in chosen])
        return 0
    for s in chosen:
        verb = {"done": "is done", "run": "runs", "resume": "resumes", "refused": "is refused", "blocked": "waits"}[
            s.state
        ]
        click.echo(f"{s.node.name} {verb}: {s.reason if step else s.why}")
        for link in (link for group in s.node.links.values() for link in group):
            above = planned.get(link.name)
            if s.state == "run" and above and above.state != "done":
                click.echo(f"  because {link.name} {'runs' if above.state == 'run' else above.state}: {above.reason}")
        for half in s.half_done if step else ():
            click.echo("\n".join(report.half_done_lines(half, prepared.store.url)))
    return 0


def _origin(what: str, url: str | None, as_json: bool) -> int:
    from ernie_core.errors import NotFound
    from ernie_core.serve import index
    from ernie_core.store import artefact

    store = arguments.find_store(url)
    try:
        address = what.strip("/") if "/" in what else index.resolve(store, what).address
    except NotFound as error:
        hint = "of a step, `kfp why SPEC STEP` says why it runs; of an artefact, `kfp why ADDRESS` says how it was made"
        raise NotFound(f"{error}; {hint}") from None
    if artefact.read(store, address) is None:
        raise NotFound(f"no artefact `{address}` in {store.url}; `kfp ls` lists what exists")
    tree = _tree(store, address)
    if as_json:
        arguments.show_json(tree)
    else:
        _show(tree, 0, set())
    return 0


def _tree(store: Any, address: str) -> dict[str, Any]:
    from ernie_core.store import artefact

    manifest = artefact.read(store, address)
    if manifest is None:
        return {"address": address, "missing": True, "from": []}
    info = manifest.info
    above = [{"port": port, **_above(store, row)} for port, group in info.get("inputs", {}).items() for row in group]
    keep = ("step", "component", "revision", "settings", "scores", "ended", "job", "run", "continues")
    return {"address": address, **{k: info.get(k) for k in keep}, "from": above}


def _above(store: Any, row: dict[str, Any]) -> dict[str, Any]:
    if row.get("address"):
        return _tree(store, row["address"])
    return {"files": row.get("files", []), "name": row["name"], "from": []}


def _show(tree: dict[str, Any], depth: int, seen: set[str]) -> None:
    from ernie_core.wording import shorten
    from jobs import report

    pad = "  " * depth
    if "files" in tree:
        click.echo(
            f"{pad}input {tree['name']}: {len(tree['files'])} files, {', '.join(tree['files'][:3])}"
            + (" ..." if len(tree["files"]) > 3 else "")
        )
        return
    address = tree["address"]
    place = f"{pad}{address}" + (f" as {tree['port']}" if "port" in tree else "")
    if address in seen or tree.get("missing"):
        click.echo(f"{place}: {'as above' if address in seen else 'no longer in the store'}")
        return
    seen.add(address)
    scores = report.scores_text(tree.get("scores") or {}, address, 3)
    click.echo(
        f"{place}: step `{tree['step']}`, made {tree['ended']} by {tree['job']}/{tree['run']}"
        + (f", {scores}" if scores else "")
    )
    settings = "  ".join(f"{k}={shorten(v)}" for k, v in (tree.get("settings") or {}).items())
    if settings:
        click.echo(f"{pad}  {settings}")
    for above in tree["from"]:
        _show(above, depth + 1, seen)

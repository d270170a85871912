"""`kfp ls`: what is in a store?"""

from collections.abc import Sequence

import click

from jobs.cli import arguments


@click.command("ls", help="List artefacts, the files of one (ADDRESS such as `segment/5f3a...`), runs, or packages.")
@click.argument("address", required=False)
@click.option("--runs", "runs_", is_flag=True, help="List runs.")
@click.option("--packages", is_flag=True, help="List packages.")
@click.option("--verify", is_flag=True, help="Read every file of ADDRESS and compare its SHA-256.")
@arguments.store
@arguments.as_json
def command(address: str | None, runs_: bool, packages: bool, verify: bool, store: str | None, as_json: bool) -> int:
    from ernie_core.store import artefact
    from jobs import report

    place = arguments.find_store(store)
    rows: Sequence[tuple[str, ...]]
    heads: tuple[str, ...]
    if runs_:
        rows, heads = _runs(place), ("run", "job", "state", "started", "by")
    elif packages:
        rows, heads = _packages(place), ("package", "version", "created", "address", "scores")
    elif address and (manifest := artefact.read(place, address.strip("/"))):
        return _one(place, address.strip("/"), manifest, verify, as_json)
    else:
        heads = ("artefact", "kind", "size", "made", "by", "scores")
        rows = _artefacts(place, (address or "").strip("/"))
    if as_json:
        arguments.show_json([dict(zip(heads, row, strict=True)) for row in rows])
    elif rows:
        click.echo(report.table([heads, *rows]))
    else:
        click.echo(f"nothing in {place.url}" + (f" below {address}" if address else ""), err=True)
    return 0 if rows or not address else 3


def _artefacts(store, prefix):  # type: ignore[no-untyped-def]
    from components.contract.values import spell_size
    from ernie_core.store import artefact
    from jobs import report

    found = []
    for address, manifest in artefact.find(store, prefix):
        if manifest.kind in artefact.PARTS and "/" not in prefix:
            continue  # of what is in the making, or how it was made; below an address they are asked for
        info = manifest.info
        by = f"{info.get('job', '')}/{info.get('step', '')}"
        found.append(
            (
                address,
                manifest.kind,
                spell_size(manifest.size),
                str(info.get("ended", "")),
                by,
                report.scores_text(info.get("scores", {}), address, 3),
            )
        )
    return sorted(found, key=lambda row: row[3])


def _runs(store):  # type: ignore[no-untyped-def]
    from jobs import runs
    from jobs.cluster import observe
    from jobs.local import environments

    cache = environments.home()
    found = (observe.update(store, run, observe.RunSnapshot()) if run.cluster else run for run in runs.list_runs(store))
    states = ((run, run.state if run.state in runs.ENDED or runs.alive(run, cache) else "died") for run in found)
    return [(run.id, run.job, state, run.started, f"{run.user}@{run.host}") for run, state in states]


def _packages(store):  # type: ignore[no-untyped-def]
    from ernie_core.serve import index
    from jobs import report

    return [
        (e.name, e.version, e.created, e.address, report.scores_text(e.scores, e.address, 3))
        for e in index.entries(store)
    ]


def _one(store, address: str, manifest, verify: bool, as_json: bool) -> int:  # type: ignore[no-untyped-def]
    from components.contract.values import spell_size
    from ernie_core.store import artefact
    from jobs import report

    problems = artefact.verify(store, address) if verify else []
    if as_json:
        files = [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in manifest.files]
        arguments.show_json(
            {
                "address": address,
                "kind": manifest.kind,
                "files": files,
                "info": dict(manifest.info),
                "problems": problems,
            }
        )
    else:
        where = store.path(f"{address}/{manifest.data}" if manifest.data else address)
        click.echo(f"{address}: {manifest.kind}, {spell_size(manifest.size)}" + (f", in {where}" if where else ""))
        click.echo(
            report.table(
                [("file", "size", "sha256"), *((f.name, spell_size(f.size), f.sha256[:16]) for f in manifest.files)]
            )
        )
        if manifest.info.get("scores"):
            click.echo(f"\n{report.scores_text(manifest.info['scores'], address, 99)}")
        for problem in problems:
            click.echo(f"problem: {problem}", err=True)
        if verify and not problems:
            click.echo("every file verified")
    return 1 if problems else 0

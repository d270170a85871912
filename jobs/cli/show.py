"""`kfp show`: the contents of words, ids or a vocabulary, and the points of a sweep."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli import arguments

if TYPE_CHECKING:
    from ernie_core.store import Manifest, Store

BAR = 40


@click.command(
    "show",
    help="Show the contents of words, ids or a vocabulary: statistics, or one DOCUMENT (by number, from 0) as words;"
    " of a sweep its points, also while it runs. ARTEFACT is an address such as `ids/5f3a...`, or `ids` for the newest"
    " of that component.",
)
@click.argument("address", metavar="ARTEFACT")
@click.argument("document", required=False, type=click.IntRange(min=0))
@arguments.store
@arguments.as_json
def command(address: str, document: int | None, store: str | None, as_json: bool) -> int:
    from jobs import points

    place = arguments.find_store(store)
    swept = points.read(place, address.strip("/"))
    if swept and swept["best"] is None:  # it has no artefact yet
        return _points(address.strip("/"), swept, as_json)
    if not swept and (begun := _in_progress(place, address.strip("/"))):
        return _points(begun, points.read(place, begun), as_json)
    address, manifest = _find(place, address.strip("/"))
    if document is None and (swept := points.read(place, address)):
        return _points(address, swept, as_json)
    if document is not None:
        sentences = _document(place, address, manifest, document)
        if as_json:
            arguments.show_json({"address": address, "document": document, "sentences": sentences})
        else:
            click.echo("\n".join(" ".join(sentence) for sentence in sentences))
        return 0
    found = _figures(place, address, manifest)
    if as_json:
        arguments.show_json({"address": address, "kind": manifest.kind, **found})
    else:
        click.echo(_text(address, manifest, found))
    return 0


def _points(address: str, swept: "Mapping[str, Any]", as_json: bool) -> int:
    """The points of a sweep."""
    from jobs import points

    if as_json:
        arguments.show_json({"address": address, **swept})
        return 0
    click.echo(f"{address}: {points.text(swept, address)}")
    return 0


def _in_progress(store: "Store", name: str) -> str:
    """The address of the sweep of a component that is being made, while none has an artefact; empty for none."""
    from ernie_core.errors import BadInput
    from ernie_core.store import artefact
    from jobs import points

    begun = points.in_progress(store, name)
    if not begun or any(artefact.find(store, name)):
        return ""
    if len(begun) > 1:
        raise BadInput(f"{len(begun)} sweeps were begun and none is finished, name one: {', '.join(begun)}")
    return begun[0]


def _find(store: "Store", address: str) -> "tuple[str, Manifest]":
    """An artefact by its address, or the newest one below."""
    from ernie_core.errors import NotFound
    from ernie_core.store import artefact

    if manifest := artefact.read(store, address):
        return address, manifest
    known = [row for row in artefact.find(store, address) if row[1].kind not in artefact.PARTS]
    if not known:
        raise NotFound(f"{store.url} has no artefact `{address}`; `kfp ls --store {store.url}` lists them")
    address, manifest = max(known, key=lambda row: (str(row[1].info.get("ended", "")), row[0]))
    if len(known) > 1:
        click.echo(f"{address} (the newest of {len(known)})", err=True)
    return address, manifest


def _document(store: "Store", address: str, manifest: "Manifest", number: int) -> list[list[str]]:
    from ernie_core.errors import BadInput
    from ernie_core.store import artefact
    from ernie_core.text import inspect
    from jobs.local import environments

    cache = environments.ready() / "artefacts"

    def bring(name: str) -> Path:
        return artefact.fetch(store, address, cache, names=[name], verify=False) / name

    readers = {"words": inspect.of_words, "ids": inspect.of_ids}
    if manifest.kind not in readers:
        raise BadInput(f"{address} is of kind {manifest.kind}: documents are in {' and '.join(readers)}")
    return readers[manifest.kind]([file.name for file in manifest.files], bring, number)


def _figures(store: "Store", address: str, manifest: "Manifest") -> dict[str, Any]:
    """The statistics that the step wrote."""
    import json

    name = {"words": "stats.json", "ids": "stats.json", "vocab": "report.json"}.get(manifest.kind, "metrics.json")
    if name not in {file.name for file in manifest.files}:
        return dict(manifest.info.get("scores", {}))
    found: dict[str, Any] = json.loads(store.read("/".join(filter(None, (address, manifest.data, name)))))
    return found


def _text(address: str, manifest: "Manifest", found: Mapping[str, Any]) -> str:
    import components
    from components.contract import sweep
    from components.contract.values import spell_size
    from jobs import report

    component = sweep.component(address)
    figures = {k: v for k, v in found.items() if isinstance(v, (int, float, str)) and v != ""}
    plain = [(k, _spell(component, k, v)) for k, v in components.in_order(component, figures)[0].items()]
    plain += _means(found)
    parts = [f"{address}: {manifest.kind}, {spell_size(manifest.size)}", report.table(plain)]
    if found.get("lengths"):
        parts += ["sentences by length in tokens", _histogram(found["lengths"])]
    if found.get("unknown_characters"):
        rows = found["unknown_characters"]
        parts += ["most frequent unknown characters", "  " + "  ".join(f"{r['character']} {r['count']}" for r in rows)]
    if pages := [file.name for file in manifest.files if file.name.endswith(".html")]:
        place = "/".join(filter(None, (address, manifest.data)))
        parts += ["pages to open in a browser, below the store", "\n".join(f"  {place}/{name}" for name in pages)]
    if manifest.kind in ("words", "ids"):
        parts += [f"one document: kfp show {address} 0"]
    return "\n\n".join(parts)


def _spell(component: str, name: str, value: object) -> str:
    """A share as a percentage, as that of `[UNK]` among the tokens; other figures as everywhere."""
    import components
    from components.contract.values import spell_figure

    if isinstance(value, float) and components.is_share(component, name):
        return f"{100 * value:.3g} %" if value else "0 %"
    return spell_figure(value)


def _means(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = [("sentences", "documents"), ("words", "sentences"), ("tokens", "sentences"), ("tokens", "documents")]
    return [
        (f"{a} per {b.removesuffix('s')}", f"{found[a] / found[b]:.1f}")
        for a, b in pairs
        if found.get(a) and found.get(b)
    ]


def _histogram(counts: Mapping[str, int]) -> str:
    from jobs import report

    most, total = max(counts.values()) or 1, sum(counts.values()) or 1
    rows = [(name, f"{n:,}", f"{n / total:6.1%}", "#" * round(BAR * n / most)) for name, n in counts.items()]
    width = max(len(row[1]) for row in rows)
    return report.table([(name, count.rjust(width), share, bar) for name, count, share, bar in rows])

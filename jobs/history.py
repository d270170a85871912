"""What was made before, to say why a step runs again and how long it may take."""

from collections.abc import Iterator

from ernie_core.store import Manifest, Store, artefact
from jobs.graph import Node

LOOK_AT_MOST = 200
"""Manifests of one component that are read to find the closest; more would cost more than the answer is worth."""


def closest(store: Store, node: Node) -> Manifest | None:
    """The artefact of the same component that differs least from the node; among equals the newest."""
    found = []
    for name in store.children(node.component)[:LOOK_AT_MOST]:
        manifest = artefact.read(store, f"{node.component}/{name}")
        if manifest and name != node.fingerprint:
            found.append(manifest)
    # Of the same step first: another step of the same component has other inputs and would give a misleading answer.
    return min(found, key=lambda m: (m.info.get("step") != node.name, _distance(node, m), _negative(m)), default=None)


def changes(node: Node, earlier: Manifest) -> list[str]:
    """What sets the node apart from an earlier artefact, in words."""
    return list(_changes(node, earlier)) or ["the same work under another fingerprint: made by an older version"]


def _changes(node: Node, earlier: Manifest) -> Iterator[str]:
    info = earlier.info
    if info.get("revision") != type(node.step).revision:
        yield f"revision of {node.component}: {info.get('revision')} -> {type(node.step).revision}"
    old, new = info.get("settings", {}), node.step.settings()
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            yield f"{key}: (new) -> {new[key]}"
        elif key not in new:
            yield f"{key}: {old[key]} -> (gone)"
        elif old[key] != new[key]:
            yield f"{key}: {old[key]} -> {new[key]}"
    before = info.get("inputs", {})
    for port in sorted(before.keys() | node.links.keys()):
        was = [(row["fingerprint"], row.get("weight", 1.0)) for row in before.get(port, [])]
        now = [(link.fingerprint, link.weight) for link in node.links.get(port, ())]
        if was != now:
            names = ", ".join(link.name for link in node.links.get(port, ())) or "nothing"
            yield f"input {port}: {names} changes"


def _distance(node: Node, earlier: Manifest) -> int:
    return sum(1 for _ in _changes(node, earlier))


def _negative(manifest: Manifest) -> tuple[int, ...]:
    return tuple(-ord(c) for c in str(manifest.info.get("ended", "")))

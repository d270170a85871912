"""Logs of pods, followed by one launcher after the other."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from components.launch.logs import Follower
from ernie_core.store import open_store

FIRST, SECOND, THIRD = (f"2026-01-31T12:00:0{i}.5Z" for i in (1, 2, 3))


def test_a_launcher_goes_on_after_the_last_line_whatever_its_text_holds(tmp_path: Path) -> None:
    store, asked = open_store(tmp_path), list[dict[str, Any]]()
    store.write("logs/s-00001.log", f"{FIRST} a\n{SECOND} b\u2028zz\x85c\n".encode())

    def log(pod: str, container: str, **options: Any) -> list[bytes]:
        asked.append(options)
        return [f"{SECOND} b\u2028zz\x85c".encode(), f"{THIRD} d".encode()] if len(asked) == 1 else []

    Follower(SimpleNamespace(log=log), store, "logs", "s", "pod", "main", "step").end()  # type: ignore[arg-type]
    assert asked[0]["sinceTime"] == SECOND
    assert store.read("logs/s-00002.log").decode() == f"{THIRD} d\n"

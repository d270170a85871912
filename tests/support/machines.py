"""Real runs of small jobs: the command line in a process of its own, on real text made here."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SENTENCES = [
    "今天天气很好，我们去公园散步。",
    "这家酒店的服务态度非常差！",
    "研究生命的起源是一个古老的问题。",
    "手机屏幕很清晰，电池也耐用。",
    "他在北京大学学习计算机科学。",
    "价格便宜，物流很快，下次还会买。",
]


@dataclass
class Machine:
    """A place with a spec, a corpus and a store, and the command line to use them."""

    folder: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def kfp(self, *words: str, check: int | None = 0, seconds: float = 300) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; `check` is the exit code that must come."""
        done = subprocess.run(
            self._command(*words),
            cwd=self.folder,
            env=self._env(),
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
        if check is not None:
            assert done.returncode == check, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command and leave it running."""
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(self._command(*words), cwd=self.folder, env=self._env(), stdout=pipe, stderr=pipe,
                                stdin=null, text=True, start_new_session=True)  # fmt: skip

    def spec(self, steps: str, name: str = "demo", store: str = "store") -> Path:
        """Write a spec over the corpus."""
        file = self.folder / f"{name}.yaml"
        file.write_text(
            f"version: 1\nname: {name}\nstore: {store}\ninputs:\n  mine: {{text: corpus/*.txt}}\nsteps:\n{steps}",
            encoding="utf-8",
        )
        return file

    def corpus(self, documents: int = 40) -> None:
        """Write text of so many documents."""
        (self.folder / "corpus").mkdir(exist_ok=True)
        lines = []
        for i in range(documents):
            lines += [SENTENCES[(i + k) % len(SENTENCES)].replace("很", f"很{i % 97}") for k in range(4)] + [""]
        (self.folder / "corpus" / "a.txt").write_text("\n".join(lines), encoding="utf-8")

    def plan(self, *words: str) -> dict[str, str]:
        """Step -> state."""
        return {
            row["step"]: row["state"]
            for row in json.loads(self.kfp("plan", "demo.yaml", *words, "--json", check=None).stdout)["steps"]
        }

    def record(self) -> dict[str, Any]:
        """The newest run."""
        return dict(json.loads(self.kfp("status", "--json").stdout))

    def step_pid(self, component: str) -> int | None:
        """The process of a running step of this machine's runs."""
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if (
                b"components" in words
                and component.encode() in words
                and any(str(self.home).encode() in w for w in words)
            ):
                return int(entry.parent.name)
        return None

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "jobs", *words]

    def _env(self) -> dict[str, str]:
        return {**os.environ, "ERNIE_JOBS_HOME": str(self.home), "PYTHONPATH": str(ROOT), **self.environment}


def wait_for(what: Callable[[], Any], seconds: float = 120) -> Any:
    """The first true answer; an error when none comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain")

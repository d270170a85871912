"""A repository of Hugging Face as a model, from a server that answers as theirs does; killed in between."""

import json
import os
import signal
import time
from pathlib import Path

import foreign_models
import pytest
from machines import Machine
from published import Files, Handler, server, stalls

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = f"hf://me/small@{COMMIT}"
CONFIG = {**foreign_models.CONFIG, "vocab_size": 5000, "hidden_size": 64}
TOKENS = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", *(chr(0x4E00 + number) for number in range(4995)))


def repository(folder: Path, site: Files) -> bytes:
    """A small BERT there, with its weights behind a redirect to signed storage; the weights."""
    made = foreign_models.folder(folder / "theirs", CONFIG, foreign_models.bert(CONFIG), TOKENS)
    for file in made.iterdir():
        site.content[f"/me/small/resolve/{COMMIT}/{file.name}"] = file.read_bytes()
    weights = site.content.pop(f"/me/small/resolve/{COMMIT}/model.safetensors")
    site.content["/storage/weights"] = weights

    def redirects(handler: Handler) -> bool:
        if not handler.path.endswith("/model.safetensors"):
            return False
        handler.say(302, b"", {"Location": "/storage/weights?Signature=secret"})
        return True

    site.always = redirects
    return weights


@pytest.fixture
def spec(machine: Machine) -> Path:
    file = machine.folder / "demo.yaml"
    file.write_text(f"version: 1\nname: demo\nstore: store\nsteps:\n  - pretrained: {{name: '{NAME}'}}\n")
    return file


def test_a_repository_becomes_a_model(machine: Machine, spec: Path) -> None:
    with server() as site:
        repository(machine.folder, site)
        machine.environment["HF_ENDPOINT"] = site.url
        machine.kfp("run", "demo.yaml", "--on", "local")
        assert machine.record()["steps"]["pretrained"]["scores"]["layers"] == 2
    [note] = machine.folder.glob("store/pretrained/*/data-*/source.json")
    assert json.loads(note.read_text())["name"] == NAME
    logs = "".join(path.read_text() for path in machine.folder.glob("store/runs/**/*.log"))
    assert "secret" not in logs
    machine.kfp("run", "demo.yaml", "--on", "local")  # found in the store: nothing is asked


def test_a_run_that_was_killed_in_a_download_resumes_it(machine: Machine, spec: Path) -> None:
    with server() as site:
        weights = repository(machine.folder, site)
        half = len(weights) // 2
        redirects, slow = site.always, stalls(half)

        def once(handler: Handler) -> bool:
            if not handler.path.startswith("/storage"):
                return bool(redirects and redirects(handler))
            site.always = redirects
            return slow(handler)

        site.always = once
        machine.environment["HF_ENDPOINT"] = site.url
        running = machine.start("run", "demo.yaml", "--on", "local")
        for _ in range(4800):  # the environment of the step may have to be built first
            parts = list(machine.home.glob("**/downloads/*/model.safetensors.part"))
            if parts and parts[0].stat().st_size == half:
                break
            time.sleep(0.05)
        assert parts
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        for _ in range(200):  # the step's process sees the end of the pipe, and leaves
            if machine.kfp("run", "demo.yaml", "--on", "local", check=None).returncode == 0:
                break
            time.sleep(0.5)
        assert ("/storage/weights?Signature=secret", f"bytes={half}-") in site.asked
        assert machine.record()["steps"]["pretrained"]["state"] == "done"
        left = machine.home.glob("**/downloads/*/model.safetensors*")
        assert {path.suffix for path in left} == {".lock"}

"""`python -m ernie_core.serve`: results and nothing else on stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def serve(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ernie_core.serve", *map(str, arguments)],
        input=stdin, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_texts_on_the_command_line_are_answered_a_line_each(exported: Path) -> None:
    done = serve(exported, "--engine", "fastdeploy", "--batch_size", "2", "天地好人", "坏风", "我坏你")
    assert done.returncode == 0
    first, second, third = done.stdout.splitlines()
    assert first.startswith("Batch id: 0, example id: 0, sentence: 天地好人, label: positive, negative prob: 0.")
    assert first.endswith(".")
    assert ", positive prob: " in first
    assert second.startswith("Batch id: 0, example id: 1, sentence: 坏风, label: negative, ")
    assert third.startswith("Batch id: 1, example id: 0, sentence: 我坏你, label: negative, ")


def test_lines_of_stdin_are_answered_as_json(exported: Path) -> None:
    done = serve(exported, "--json", stdin="天地好人\n\n坏风\n")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["text"] for row in rows] == ["天地好人", "", "坏风"]
    assert [rows[0]["label"], rows[2]["label"]] == ["positive", "negative"]
    assert rows[0]["scores"].keys() == {"negative", "positive"}
    assert "engine: fastdeploy" in done.stderr


def test_a_pair_has_a_tab_between(exported_pairs: Path) -> None:
    done = serve(exported_pairs, "--engine", "onnxruntime", "天地\t好人")
    assert "sentence1: 天地, sentence2: 好人, label: positive" in done.stdout
    done = serve(exported_pairs, "--engine", "onnxruntime", "天地好人")
    assert done.returncode == 65
    assert "with a tab between" in done.stderr


def test_a_failure_is_one_line_on_stderr_and_an_exit_code(tmp_path: Path) -> None:
    done = serve(tmp_path, "好")
    assert (done.returncode, done.stdout) == (66, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'serving.json'}: no such file")

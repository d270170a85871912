"""`python -m ernie_core.serve`: results and nothing else on stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    assert "separate the two texts by a tab" in done.stderr


def test_a_failure_is_one_line_on_stderr_and_an_exit_code(tmp_path: Path) -> None:
    done = serve(tmp_path, "好")
    assert (done.returncode, done.stdout) == (66, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'serving.json'}: no such file")


def raw(*arguments: str | bytes | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ernie_core.serve", "--engine", "onnxruntime", *arguments],
        input=stdin, capture_output=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (
            "好\n服务\n".encode("gb18030"),
            "standard input:1: not UTF-8 at byte 0 of the line: convert it with iconv -f GB",
        ),
        ("好\nab坏".encode() + b"\xff\n", "standard input:2: not UTF-8 at byte 5 of the line"),
        (
            "天地好人\n".encode("utf-16"),
            "standard input: this is UTF-16, only UTF-8 is read: convert it with iconv -f UTF-16 ",
        ),
        ("今天天气很好，我们去公园散步。\n".encode("utf-16-le"), "iconv -f UTF-16LE -t UTF-8"),
        ("好\r坏\r".encode(), "standard input:1: its lines end in CR alone"),
    ],
)
def test_standard_input_that_is_not_utf8_is_one_line_with_the_remedy(exported: Path, stdin: bytes, said: str) -> None:
    done = raw(exported, stdin=stdin)
    error = done.stderr.decode().splitlines()[-1]
    assert done.returncode == 65 and error.startswith("error: ") and said in error
    assert b"Traceback" not in done.stderr


def test_what_came_before_a_line_that_is_not_utf8_is_answered(exported: Path) -> None:
    done = raw(exported, "--json", stdin="\ufeff好\n".encode() + b"\xff\n")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["好"]


def test_no_line_at_all_is_no_failure_and_blank_ones_are_answered_a_line_each(exported: Path) -> None:
    empty = raw(exported)
    assert (empty.returncode, empty.stdout) == (0, b"") and b"nothing to answer" in empty.stderr
    assert len(raw(exported, stdin=b"\n\n \n\r\n").stdout.splitlines()) == 4


@pytest.mark.parametrize(
    "words", [["--", "-5度"], ["--", "--json"], ["--", "-1"], ["--", ""], ["--", "--"], ["-1"], [""]]
)
def test_a_text_may_begin_with_a_dash_or_be_empty(exported: Path, words: list[str]) -> None:
    for arguments in ([exported, *words], ["--json", exported, *words]):
        done = raw(*arguments)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == 1
    done = raw("--json", "--", str(exported), *[word for word in words if word != "--"] or ["--"])
    assert json.loads(done.stdout)["text"] == words[-1]


def test_a_text_of_the_command_line_that_is_not_utf8_is_one_line(exported: Path) -> None:
    done = raw(exported, "好", "好".encode() + b"\xb7\xfe")
    assert done.returncode == 65 and b"error: text 2: not UTF-8 at byte 3: " in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "| true", "| head -1"])
def test_who_closes_a_pipe_gets_no_traceback(exported: Path, closed: str) -> None:
    line = (
        f"{sys.executable} -m ernie_core.serve --engine onnxruntime {exported} {closed if '<' in closed else '< many'}"
    )
    line += "" if "<" in closed else f" {closed}"
    (exported.parent / "many").write_text("天地好人\n" * 3000, encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, cwd=exported.parent, env=env, stdin=subprocess.DEVNULL
    )
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr and b"Error" not in done.stderr


def test_serving_needs_no_paddle(exported: Path) -> None:
    code = (
        "import sys; sys.modules['paddle'] = None\n"
        "from ernie_core.serve import __main__, evaluation\n"
        f"sys.exit(__main__.main(['--engine', 'onnxruntime', {str(exported)!r}, '天地好人']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "sentence: 天地好人, label: positive" in done.stdout

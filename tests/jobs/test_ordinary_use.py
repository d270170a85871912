"""The command line as people start it: without a home, into a pipe, on a terminal, with files that hold mistakes."""

import os
import pty
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from machines import Machine
from rich.cells import cell_len

from components.contract.task import Task, TaskInput
from components.runtime import naming
from ernie_core.errors import Error, NotFound
from ernie_core.store import open_store
from jobs import follow, report, runs, screen
from jobs.cli import waiting
from jobs.local import environments
from jobs.screen import Row

STEPS = "  - segment:\n"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "ERNIE_JOBS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(NotFound, match="user 54321 has no home folder: set ERNIE_JOBS_HOME to a folder"):
        environments.home()
    monkeypatch.setenv("ERNIE_JOBS_HOME", "~nosuchuser/x")
    with pytest.raises(NotFound, match="ERNIE_JOBS_HOME is ~nosuchuser/x, there is no such user: set"):
        environments.home()
    monkeypatch.setenv("ERNIE_JOBS_HOME", "here")
    assert environments.home() == Path.cwd() / "here"
    assert runs._user()


@pytest.mark.parametrize("words", [["plan", "demo.yaml"], ["run", "-y", "demo.yaml"], ["why", "demo.yaml"]])
@pytest.mark.parametrize("variable", ["ERNIE_JOBS_HOME", "XDG_CACHE_HOME"])
def test_a_cache_that_cannot_be_written_is_one_line_with_the_remedy(machine: Machine, words, variable) -> None:
    machine.spec(STEPS)
    (machine.folder / "file").write_text("")
    for place, why in (("file", "file"), ("/proc/self", "/proc/self"), ("/dev/full/x", "not a directory")):
        machine.environment = {"ERNIE_JOBS_HOME": "", variable: str(machine.folder / place)}
        done = machine.kfp(*words, check=1)
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: nothing can be written to ") and why in line
        assert line.endswith("set ERNIE_JOBS_HOME to a folder that you may write to")


def test_a_cache_on_a_full_disk_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from disks import small

    with small(tmp_path / "disk", "64k") as disk:
        disk.fill()
        monkeypatch.setenv("ERNIE_JOBS_HOME", str(disk.folder))
        with pytest.raises(Error, match="no space left on device: free space there, or set ERNIE_JOBS_HOME"):
            environments.ready()


COMMANDS = (
    "ls", "ls --json", "ls --runs", "ls --packages", "status", "status --json", "logs", "schema", "doctor", "--help",
    "plan demo.yaml", "plan demo.yaml --json", "why demo.yaml", "check demo.yaml", "show words", "run -y demo.yaml",
)  # fmt: skip


def test_a_reader_that_goes_gets_no_traceback_from_any_command(machine: Machine) -> None:
    machine.spec(STEPS)
    machine.kfp("run", "-y", "demo.yaml")
    for command in COMMANDS:
        for end in ("| true", "2>&1 | true", "<&- >&- 2>&-"):
            line = " ".join([*machine._command(*command.split()), end])
            done = subprocess.run(
                ["bash", "-c", line], cwd=machine.folder, env=machine._env(), capture_output=True, text=True
            )
            for sign in ("Traceback", "defect", "BrokenPipe", "Exception ignored"):
                assert sign not in done.stderr + done.stdout, f"{line}\n{done.stderr}"


@pytest.mark.parametrize("word", [b"\xff", "\u597d".encode("gb18030")])
def test_a_word_that_is_not_utf8_is_no_defect(machine: Machine, word: bytes) -> None:
    for command in ("plan", "show", "check", "status"):
        done = subprocess.run(
            [*machine._command(command), word], cwd=machine.folder, env=machine._env(), capture_output=True
        )
        assert done.returncode and b"defect" not in done.stderr and b"Traceback" not in done.stderr


def test_nothing_of_the_progress_line_stays_on_a_terminal(machine: Machine) -> None:
    machine.spec(STEPS)
    parent, child = pty.openpty()
    done = subprocess.Popen(
        machine._command("plan", "demo.yaml"), cwd=machine.folder, env=machine._env() | {"COLUMNS": "20"},
        stdin=child, stdout=child, stderr=child,
    )  # fmt: skip
    os.close(child)
    said = b""
    while True:
        try:
            read = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        said += read
    os.close(parent)
    assert done.wait() == 0
    for line in said.decode().split("\n"):
        assert "reading" not in line.split("\033[K")[-1]
    assert "reading" in said.decode()


def test_the_progress_line_is_wiped_when_what_it_tells_of_fails(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with pytest.raises(Error), waiting.wiped() as line:  # noqa: PT012
        line.hashing(1, 2, "B", hashing="a.txt")
        raise Error("gone")
    assert capsys.readouterr().err.endswith("reading a.txt\r\033[K")


def test_a_progress_line_fits_the_terminal_and_moves_no_cursor() -> None:
    assert waiting.cut("reading 语料\033[2J\n.txt", 80) == "reading 语料?[2J?.txt"
    assert waiting.cut("reading 语料.txt", 11) == "reading 语…"
    assert waiting.cut("reading 语料.txt", 10) == "reading…"
    assert waiting.cut("reading a.txt", 13) == "reading a.txt"


def test_without_a_terminal_a_line_of_progress_is_not_said_twice(capsys, monkeypatch) -> None:
    clock = iter(range(0, 1000, 11))
    monkeypatch.setattr(screen.time, "monotonic", lambda: float(next(clock)))
    lines, row = screen.Lines(), Row("ids", "running", progress={"done": 5, "total": 5, "seconds": 2.0, "unit": "B"})
    for _ in range(4):
        lines.show({"ids": row})
    row.state, row.note = "failed", 'line 1: "label" is 1'
    lines.show({"ids": row})
    lines.show({"ids": row})
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and said[1].startswith("step=ids done=5B/5B")
    assert said[2].endswith(r'note="line 1: \"label\" is 1"')


def test_the_whole_reason_is_in_the_summary_of_a_run() -> None:
    reason = "/a/long/folder/train.jsonl:17: " + "what is wrong with it and " * 12 + "the remedy at its very end"
    steps = {"finetune": runs.StepRecord("failed", error=f"{reason}\nmore of it")}
    run = runs.Run("id", "job", "w", "s", "failed", "then", 0.0, "host", 1, "me", {}, steps)
    shown = report.run_text(run, "failed")
    assert reason in " ".join(shown.split()) and "more of it" not in shown and "..." not in shown
    assert max(map(len, shown.splitlines())) < 130


def task(*files: tuple[str, str], scratch: str = "/s/run/finetune/scratch") -> Task:
    rows = [{"name": name, "url": url, "size": 1} for name, url in files]
    source = TaskInput("labels", "task_data", "f", files=rows)
    return Task(
        "finetune", "finetune", {}, "f", "a", "s", {"task_data": (source,)}, "j", "r", {}, {}, scratch, "c", "p", "o"
    )


@pytest.mark.parametrize("own", ["", ".3", "/part/piece"])
def test_messages_name_the_file_of_the_person(own: str) -> None:
    one = task(
        ("train.jsonl", "file:///home/me/my%20data/train.jsonl"), ("labels.txt", "file:///home/me/my%20data/labels.txt")
    )
    base = f"/s/run/finetune/scratch{own}/inputs/task_data-0"
    for said, wanted in (
        (f"{base}/train.jsonl:3: wrong", "/home/me/my data/train.jsonl:3: wrong"),
        (f"{base}/dev.jsonl: no such file", "/home/me/my data/dev.jsonl: no such file"),
        (f"{base}: the labels are", "/home/me/my data: the labels are"),
        (
            f"see `{base}/labels.txt`, {base}/labels.txt.gz",
            "see `/home/me/my data/labels.txt`, /home/me/my data/labels.txt.gz",
        ),
        ("/elsewhere: wrong", "/elsewhere: wrong"),
        (f"{base}0: another port", f"{base}0: another port"),
    ):
        assert naming.users(one, said) == wanted


def test_messages_name_objects_and_files_of_several_folders() -> None:
    far = task(("train.jsonl", "s3://bucket/a/train.jsonl"), ("sub/x.jsonl", "s3://bucket/a/sub/x.jsonl"))
    base = "/s/run/finetune/scratch/inputs/task_data-0"
    assert naming.users(far, f"{base}/sub/x.jsonl:1") == "s3://bucket/a/sub/x.jsonl:1"
    assert naming.users(far, f"{base}: none") == "s3://bucket/a: none"
    apart = task(("train.jsonl", "file:///a/train.jsonl"), ("dev.jsonl", "file:///b/dev.jsonl"))
    assert naming.users(apart, f"{base}/dev.jsonl:1, {base}/test.jsonl") == "/b/dev.jsonl:1, input `labels`/test.jsonl"


def test_who_joins_a_run_sees_how_its_last_step_ended(capsys, monkeypatch, tmp_path) -> None:
    steps = {"ids": runs.StepRecord("running", seconds=1.0)}
    run = runs.Run("id", "job", "w", "s", "running", "then", 0.0, "host", 1, "me", {}, steps)
    seen = iter([run, replace(run, state="done", steps={"ids": runs.StepRecord("done", seconds=2.0)})])
    monkeypatch.setattr(follow, "watch", lambda *_: SimpleNamespace(look=lambda: next(seen), doubts=(), hopeless=""))
    alive = iter([True, False])
    monkeypatch.setattr(runs, "alive", lambda *_: next(alive))
    monkeypatch.setattr(follow, "POLL", 0.0)
    assert follow.until_end(open_store(tmp_path), run, tmp_path, screen.Lines(), {}).state == "done"
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == ["state=running", "state=done"]


@pytest.mark.parametrize(("code", "said"), [(65, True), (66, True), (77, True), (78, True), (1, False), (-9, False)])
def test_what_no_other_try_can_cure_is_to_be_corrected_first(code: int, said: bool) -> None:
    steps = {"ids": runs.StepRecord("refused" if code == 78 else "failed", error="a.txt:3: no JSON", code=code)}
    spec = {"path": "/a b/x.yaml", "edits": []}
    text = report.next_commands(runs.Run("id", "job", "w", "s", "failed", "then", 0.0, "h", 1, "me", spec, steps), [])
    lines = text.splitlines()
    first = "  correct first          what `ids` reports above; without a change the next run ends the same way"
    assert (lines[0] == first) is said
    assert lines[said].split("  ")[1] == ("then run again" if said else "resume")
    assert "kfp run '/a b/x.yaml'" in lines[said]


def test_the_command_to_go_on_leaves_out_edits_of_the_step_that_was_refused() -> None:
    steps = {"ids": runs.StepRecord("done"), "pretrain": runs.StepRecord("failed", error="split", code=65)}
    spec = {"path": "x.yaml", "edits": ["ids.cpu=2", "pretrain.split='949,50,1'"]}
    text = report.next_commands(runs.Run("id", "job", "w", "s", "failed", "then", 0.0, "h", 1, "me", spec, steps), [])
    lines = text.splitlines()
    assert lines[1].startswith("  left out below         --set ") and "pretrain.split=" in lines[1]
    assert lines[2].split() == ["then", "run", "again", "kfp", "run", "x.yaml", "--set", "ids.cpu=2"]
    assert lines[-1].split() == ["full", "log", "kfp", "logs", "id"], "it was refused before it had a log"
    died = {**steps, "pretrain": runs.StepRecord("failed", error="killed", code=-9, seconds=2.0)}
    run = runs.Run("id", "job", "w", "s", "failed", "then", 0.0, "h", 1, "me", spec, died)
    lines = report.next_commands(run, []).splitlines()
    assert "pretrain.split=" in lines[0] and lines[-1].endswith("kfp logs id pretrain")


def test_columns_stand_below_each_other_where_labels_are_chinese() -> None:
    lines = report.table([("share_正面", "0.7", "x"), ("share_b", "0.3", "y"), ("语料", "1", "z")]).splitlines()
    assert [cell_len(line[: line.index(end)]) for line, end in zip(lines, "xyz", strict=True)] == [
        2 + 10 + 2 + 3 + 2
    ] * 3

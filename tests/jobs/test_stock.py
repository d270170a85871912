"""Who answers a command line: ours, or stock kfp; and how errors end ours."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from ernie_core.errors import BadInput, Error, NotFound, Refused, Stopped
from jobs.cli import commands, main, stock

ROOT = Path(__file__).resolve().parents[2]


def kfp(*args: str, name: str = "kfp", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as the console script would."""
    program = f"import sys; sys.argv[0] = {name!r}; from jobs.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *args],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables}, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip


def test_the_frozen_lists_are_those_of_the_installed_kfp() -> None:
    from kfp.cli.cli import cli

    installed = {}
    for name, command in cli.commands.items():
        words = set(getattr(command, "commands", {})) | set(getattr(command, "deprecated_map", {}))
        installed[name] = tuple(sorted(words))
    assert installed == dict(stock.COMMANDS)
    takes_value = {opt for p in cli.params for opt in p.opts if not getattr(p, "is_flag", False)}
    assert takes_value == set(stock.VALUE_OPTIONS)


@pytest.mark.parametrize(
    "line",
    [
        "run x.yaml", "run --help", "run", "run --on local list", "run -y x.yaml", "run ./list", "plan x.yaml", "ls",
        "--endpoint http://localhost:8888 run x.yaml", "-n team run x.yaml", "--endpoint=http://h status", "doctor",
        "-v run x.yaml",
        "--help", "--version", "-v --help", "", "--namespace run ls", "--unknown run x.yaml",
    ],
)  # fmt: skip
def test_these_lines_are_ours(line: str) -> None:
    assert not stock.wants(line.split(), commands.COMMANDS)


@pytest.mark.parametrize(
    "line",
    [
        "run list", "run list --help", "run submit -e x", "runs list", "runs x.yaml", "-n team run list",
        "--output json run get 1", "dsl compile --help", "pipeline list", "pipelines list", "diagnose-me",
        "recurring-run list", "component build .", "--show-completion bash", "--endpoint http://h", "something else",
        "--endpoint ls dsl", "--unknown",
    ],
)  # fmt: skip
def test_these_lines_are_stocks(line: str) -> None:
    assert stock.wants(line.split(), commands.COMMANDS)


def test_stock_answers_as_if_we_were_not_there() -> None:
    program = "import sys; sys.argv[0] = 'kfp'; from kfp.cli.__main__ import main; main()"
    for line in (["dsl", "compile", "--help"], ["nonsense"], ["--show-completion", "bash"]):
        alone = subprocess.run([sys.executable, "-c", program, *line], capture_output=True, text=True)
        through_us = kfp(*line)
        assert (through_us.returncode, through_us.stdout) == (alone.returncode, alone.stdout)
        assert alone.stderr == through_us.stderr


def test_a_misspelt_command_of_ours_is_pointed_out_before_stock_refuses_it() -> None:
    done = kfp("plna", "x.yaml")
    assert done.returncode == 2
    assert "did you mean `plan`?" in done.stderr


def test_help_names_both_kinds_of_command_and_imports_neither() -> None:
    text, loaded = help_and_imports("--help")
    assert all(name in text for name in (*commands.COMMANDS, *stock.COMMANDS))
    assert {m for m in loaded if m.startswith("jobs.cli.")} == {f"jobs.cli.{m}" for m in ("commands", "exits", "stock")}
    assert not HEAVY & loaded


@pytest.mark.parametrize("name", list(commands.COMMANDS))
def test_every_command_shows_its_help_without_heavy_imports_and_takes_v(name: str) -> None:
    text, loaded = help_and_imports(name, "--help")
    assert f"kfp {name}" in text
    assert "--verbose" in text
    assert not HEAVY & loaded


def test_the_help_of_run_names_the_stock_sub_commands() -> None:
    assert all(word in kfp("run", "--help").stdout for word in stock.COMMANDS["run"])


def test_version_is_that_of_both() -> None:
    assert [line.split()[0] for line in kfp("--version").stdout.splitlines()] == ["kfp", "ernie-jobs"]


@pytest.mark.parametrize(("name", "variable"), [("kfp", "_KFP_COMPLETE"), ("ernie-jobs", "_ERNIE_JOBS_COMPLETE")])
def test_a_shell_completes_the_names_of_both(name: str, variable: str) -> None:
    def words(line: str, at: int) -> list[str]:
        asked = {variable: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(at)}
        return [word.partition(",")[2] for word in kfp(name=name, **asked).stdout.split()]

    assert words(f"{name} p", 1) == ["pipeline", "plan", "pull", "predict"]
    assert words(f"{name} dsl ", 2) == ["compile"]
    assert "--yes" in words(f"{name} run --", 2)
    assert "_COMPLETE" in kfp(name=name, **{variable: "bash_source"}).stdout


HEAVY = {"kfp", "pydantic", "rich", "ruamel", "boto3", "numpy"}


def help_and_imports(*args: str) -> tuple[str, set[str]]:
    """What a command line prints, and the modules that were loaded by then."""
    program = (
        "import sys; sys.argv[0] = 'kfp'; from jobs.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print(*sys.modules); sys.exit(end.code)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    text, _, loaded = done.stdout.rstrip().rpartition("\n")
    return text, set(loaded.split())


class Wrong(Error):
    """Stands for an error of `jobs` that names its own code."""

    code = 2
    problems = ("x.yaml:1: first", "x.yaml:2: second")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Error("it broke"), 1), (BadInput("bad"), 1), (Wrong("x"), 2), (NotFound("no such run"), 3), (Refused("no"), 4),
        (Stopped("saved"), 130), (KeyboardInterrupt(), 130), (click.Abort(), 130), (ZeroDivisionError("oops"), 1),
        (click.UsageError("no such option"), 2),
    ],
)  # fmt: skip
def test_every_way_out_has_its_exit_code_and_one_clear_line(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leave(error, ["ls"], monkeypatch) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith(("error: ", "interrupted"))


def test_the_problems_of_a_spec_come_one_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(Wrong("x"), ["ls"], monkeypatch)
    assert capsys.readouterr().err.splitlines() == [*Wrong.problems, "error: 2 problems in the spec"]


@pytest.mark.parametrize("args", [["-v", "ls"], ["ls", "-v"]])
def test_the_traceback_is_shown_on_demand_only(
    args: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(NotFound("no such run"), args, monkeypatch)
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert said.endswith("error: no such run\n")


def test_the_number_that_a_command_returns_is_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, click.Command("ls", callback=lambda: 4))
    with pytest.raises(SystemExit) as end:
        main(["ls"])
    assert end.value.code == 4


def test_how_to_reach_a_server_is_handed_to_our_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    stand_in(monkeypatch, click.Command("ls", callback=click.pass_obj(lambda obj: seen.append(obj.server))))
    monkeypatch.setenv("KFP_NAMESPACE", "team")
    with pytest.raises(SystemExit):
        main(["--endpoint", "http://localhost:1", "ls"])
    assert seen == [{"endpoint": "http://localhost:1", "namespace": "team"}]


def test_no_color_reaches_the_libraries_and_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stand_in(monkeypatch, click.Command("ls", callback=lambda: 0))
    with pytest.raises(SystemExit):
        main(["--no-color", "ls"])
    assert os.environ.pop("NO_COLOR") == "1"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = f"{sys.executable} -m jobs --help | true"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], env=env, capture_output=True, text=True)
    assert done.stderr == ""


def leave(error: BaseException, args: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code when a command ends with this error."""

    def fail() -> None:
        raise error

    stand_in(monkeypatch, click.Command("ls", callback=fail))
    with pytest.raises(SystemExit) as end:
        main(args)
    return end.value.code


def stand_in(monkeypatch: pytest.MonkeyPatch, command: click.Command) -> None:
    monkeypatch.setitem(sys.modules, "jobs.cli.ls", SimpleNamespace(command=command))  # type: ignore[arg-type]

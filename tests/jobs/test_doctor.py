"""`kfp doctor`: it sees what is wrong, names the remedy, and gives the command back."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from jobs.cli import health, main, script

ROOT = Path(__file__).resolve().parents[2]
STOCK = "#!/usr/bin/python\nimport sys\nfrom kfp.cli.__main__ import main\nsys.exit(main())\n"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `kfp` that this installation calls its own, first in PATH."""
    file = tmp_path / "bin" / "kfp"
    file.parent.mkdir()
    script.rewrite(file)
    monkeypatch.setattr(script, "recorded", lambda: file)
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin:/bin")
    monkeypatch.setenv("ERNIE_JOBS_HOME", str(tmp_path / "home"))
    for name in ("KFP_ENDPOINT", "KF_PIPELINES_ENDPOINT", "ERNIE_JOBS_SITE"):
        monkeypatch.delenv(name, raising=False)
    return file


def test_a_command_of_ours_is_fine(installed: Path) -> None:
    assert [c.ok for c in health.script_checks()] == [True, True]


def test_a_command_that_stock_took_is_noticed_and_given_back(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.write_text(STOCK)
    installed.chmod(0o755)
    command = next(health.script_checks())
    assert "stock kfp's" in command.found
    assert "doctor --fix" in command.remedy
    with pytest.raises(SystemExit):
        main(["doctor", "--fix"])
    assert f"rewrote {installed}" in capsys.readouterr().err
    assert script.owner(installed) == "ours"
    assert [p.name for p in installed.parent.iterdir()] == ["kfp"]


def test_the_repaired_command_keeps_its_mode_and_runs(installed: Path) -> None:
    installed.write_text(STOCK)
    installed.chmod(0o750)
    script.rewrite(installed)
    assert installed.stat().st_mode & 0o777 == 0o750
    done = subprocess.run([installed, "run", "--help"], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout.startswith("Usage: kfp run")


def test_it_runs_too_where_the_path_of_python_is_too_long_for_a_first_line(tmp_path: Path) -> None:
    python = tmp_path / ("d" * 100) / "with space" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    file = tmp_path / "kfp"
    file.write_text(script.content(str(python)))
    file.chmod(0o755)
    done = subprocess.run([file, "plan", "--help"], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout.startswith("Usage: kfp plan")
    assert script.owner(file) == "ours"


def test_another_kfp_before_ours_in_path_is_named(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "kfp"
    other.parent.mkdir()
    other.write_text(STOCK)
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:{installed.parent}")
    _, shell = health.script_checks()
    assert shell.found == f"{other}, not that of ernie-jobs"
    assert shell.remedy == f"put {installed.parent} first in PATH, or call ernie-jobs"


def test_an_environment_that_is_not_activated_is_no_problem(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    _, shell = health.script_checks()
    assert shell == health.Check("kfp on PATH", f"none, call it as {installed}")


@pytest.mark.parametrize(
    ("text", "owner"), [(STOCK, "stock"), ("#!/bin/sh\nexec pyenv exec kfp\n", "unknown"), (None, "nobody")]
)
def test_the_owner_of_a_script_is_whom_it_calls(text: str | None, owner: str, tmp_path: Path) -> None:
    file = tmp_path / "kfp"
    if text is not None:
        file.write_text(text)
    assert script.owner(file) == owner


def test_every_image_is_listed_with_its_state_and_place(installed: Path) -> None:
    found = {c.name: c for c in health.environment_checks()}
    assert {"image deploy", "image text", "image train", "python of images", "room for them"} <= set(found)
    assert all("not built yet" in found[f"image {name}"].found for name in ("deploy", "text", "train"))
    assert all(c.ok for c in found.values())


def test_json_has_the_same_facts_and_the_exit_code_says_whether_all_is_well(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--json", "--store", str(tmp_path / "store")])
    checks = json.loads(capsys.readouterr().out)
    assert {"name", "found", "remedy", "ok"} == set(checks[0])
    assert checks[-1]["name"] == "store"
    assert end.value.code == (0 if all(c["ok"] for c in checks) else 1)
    installed.unlink()
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--json"])
    assert end.value.code == 1


def test_a_store_that_cannot_be_one_is_a_problem() -> None:
    check = health.store_check("ftp://somewhere")
    assert not check.ok
    assert "not a store" in check.found


def test_a_server_is_asked_only_if_one_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KFP_ENDPOINT", "KF_PIPELINES_ENDPOINT", "ERNIE_JOBS_SITE"):
        monkeypatch.delenv(name, raising=False)
    assert health.server_check().found.startswith("none configured")
    asked: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("KFP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert health.server_check().ok
    assert asked == ["/apis/v2beta1/healthz"]
    server.shutdown()
    server.server_close()
    assert not health.server_check().ok

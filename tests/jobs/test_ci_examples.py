"""The CI files of examples/ci: every line that they run is run here, with the real command line, against servers that
take comments as GitHub and GitLab do."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from machines import ROOT, Machine, wait_for

CI = ROOT / "examples" / "ci"
GOOD = "  - segment: {tool: jieba}\n  - vocab: {size: 200, han: seen}\n"


class Comments(ThreadingHTTPServer):
    """Keeps the comments of one request; `url` is in them as with GitHub, or not, as with GitLab."""

    def __init__(self, path: str, with_urls: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.path, self.with_urls, self.rows, self.tokens = path, with_urls, [], set()  # type: ignore[var-annotated]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """List, write, change."""

    server: Comments

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        assert path == self.server.path
        page = int(re.findall(r"[?&]page=(\d+)", "&" + query)[0])
        self._answer(self.server.rows[(page - 1) * 100 : page * 100])

    def do_POST(self) -> None:
        assert self.path == self.server.path
        self._write({"id": len(self.server.rows)})

    def do_PATCH(self) -> None:
        self._write(self.server.rows[int(self.path.removeprefix("/one/"))])

    def do_PUT(self) -> None:
        self._write(self.server.rows[int(self.path.removeprefix(self.server.path + "/"))])

    def _write(self, row: dict[str, Any]) -> None:
        row |= json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.with_urls:
            row["url"] = f"{self.server.url}/one/{row['id']}"
        if row not in self.server.rows:
            self.server.rows.append(row)
        self._answer(row)

    def _answer(self, value: object) -> None:
        self.server.tokens.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN"))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        """Not into the output of the tests."""


class Service:
    """A CI service: the scripts of its file, the environment of its jobs, and where comments go."""

    def __init__(self, name: str, machine: Machine) -> None:
        self.name, self.machine = name, machine
        self.file = yaml.load((CI / f"{name}.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)
        github = name == "github"
        path = "/repos/me/specs/issues/7/comments" if github else "/projects/5/merge_requests/7/notes"
        self.comments = Comments(path, with_urls=github)
        threading.Thread(target=self.comments.serve_forever, daemon=True).start()
        tools = machine.folder / "bin"
        tools.mkdir()
        for tool, words in {"kfp": "-m jobs", "python": ""}.items():
            (tools / tool).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n', encoding="utf-8")
            (tools / tool).chmod(0o755)
        outside = {name: text for name, text in os.environ.items() if not name.startswith(("CI", "GIT", "KF"))}
        self.environment = {
            **outside,
            "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "ERNIE_JOBS_HOME": str(machine.home),
            "SPEC": "specs/reviews.yaml", "PLACE": "local",
            "GITHUB_API_URL": self.comments.url, "GITHUB_REPOSITORY": "me/specs", "PULL_REQUEST": "7",
            "GITHUB_TOKEN": "t",
            **({} if github else {"GITLAB_CI": "true", "CI_API_V4_URL": self.comments.url, "CI_PROJECT_ID": "5",
                                  "CI_MERGE_REQUEST_IID": "7", "GITLAB_TOKEN": "t"}),
        }  # fmt: skip

    def job(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run all that a job runs, as its service does: one script after the other until one fails."""
        jobs = self.file["jobs"] if self.name == "github" else self.file
        rows = jobs[name]["steps"] if self.name == "github" else jobs[name]["script"]
        scripts = [row["run"] if isinstance(row, dict) else row for row in rows if isinstance(row, str) or "run" in row]
        # GitLab runs the lines of a job in one shell, GitHub has a shell for each.
        lines = scripts if self.name == "github" else ["\n".join(scripts)]
        for line in lines:
            done = subprocess.run(
                ["sh", "-e", "-c", line], cwd=self.machine.folder, env=self.environment, capture_output=True, text=True,
                stdin=subprocess.DEVNULL, timeout=300,
            )  # fmt: skip
            if done.returncode:
                break
        return done

    def spec(self, steps: str) -> None:
        """Put a spec, and the script of the examples, where the files look for them."""
        for folder in ("specs", "ci"):
            (self.machine.folder / folder).mkdir(exist_ok=True)
        self.machine.spec(steps, name="reviews", store="../store").rename(
            self.machine.folder / "specs" / "reviews.yaml"
        )
        text = (self.machine.folder / "specs" / "reviews.yaml").read_text(encoding="utf-8")
        (self.machine.folder / "specs" / "reviews.yaml").write_text(
            text.replace("corpus/", "../corpus/"), encoding="utf-8"
        )
        (self.machine.folder / "ci" / "comment.py").write_bytes((CI / "comment.py").read_bytes())


@pytest.fixture(params=["github", "gitlab"])
def service(request: pytest.FixtureRequest, machine: Machine) -> Iterator[Service]:
    """Each of the two."""
    made = Service(request.param, machine)
    yield made
    made.comments.shutdown()
    made.comments.server_close()


def files(folder: Path) -> dict[str, int]:
    """All files below a folder, with the times of their last change."""
    return {str(f): f.stat().st_mtime_ns for f in folder.rglob("*") if f.is_file()}


def test_a_wrong_spec_is_annotated_at_its_line_and_fails_the_check(service: Service) -> None:
    service.spec("  - segment: {tool: hmm}\n")
    done = service.job("check")
    assert done.returncode == 2
    if service.name == "github":
        assert done.stdout.startswith("::error file=specs/reviews.yaml,line=7::")
    else:
        (row,) = json.loads((service.machine.folder / "quality.json").read_text())
        assert row["location"] == {"path": "specs/reviews.yaml", "lines": {"begin": 7}}
        assert "hmm" in row["description"]
        assert {"check_name", "fingerprint", "severity"} <= set(row)


def test_a_plan_is_a_comment_that_the_next_push_replaces_and_writes_nothing(service: Service) -> None:
    service.spec(GOOD)
    assert service.job("check").returncode == 0
    service.comments.rows += [
        {"id": i, "body": "of somebody", "url": f"{service.comments.url}/one/{i}"} for i in range(100)
    ]
    before = files(service.machine.folder / "store")
    done = service.job("plan")
    assert done.returncode == 0, done.stderr
    assert files(service.machine.folder / "store") == before
    said = service.comments.rows[100]["body"]
    assert said.startswith("### Plan of specs/reviews.yaml\n")
    assert re.search(r"segment +run", said)
    service.spec(GOOD.replace("200", "150"))
    assert service.job("plan").returncode == 0
    assert len(service.comments.rows) == 101
    assert service.comments.tokens == {"Bearer t"} or service.comments.tokens == {"t"}


def test_what_is_merged_is_run_once_however_often_it_is_asked_for(service: Service) -> None:
    service.spec(GOOD)
    done = service.job("run")
    assert done.returncode == 0, done.stderr
    run = json.loads((service.machine.folder / "run.json").read_text())
    assert json.loads(done.stdout) == run
    assert run["job"] == "reviews"
    words = ("status", run["id"], "--store", "store", "--json")
    record = wait_for(lambda: _ended(json.loads(service.machine.kfp(*words).stdout)))
    assert record["state"] == "done", record
    assert service.job("run").returncode == 0
    assert json.loads((service.machine.folder / "run.json").read_text())["state"] == "done"


def test_a_plan_that_cannot_be_made_says_so_in_the_comment_and_fails(service: Service) -> None:
    service.spec(GOOD)
    (service.machine.folder / "corpus" / "a.txt").unlink()
    assert service.job("plan").returncode not in (0, 1)
    (comment,) = service.comments.rows
    assert "corpus" in comment["body"]


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_no_secret_is_in_a_file_and_actions_are_named_by_commit(name: str) -> None:
    text = (CI / f"{name}.yaml").read_text(encoding="utf-8")
    for action in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)
    for key in re.findall(r"^ +(?:AWS\w+|\w*TOKEN): (.*)$", text, re.MULTILINE):
        assert key.startswith("${{ ")


def _ended(record: dict[str, Any]) -> dict[str, Any] | None:
    return None if record["state"] == "running" else record

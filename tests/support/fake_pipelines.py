"""Kubeflow Pipelines for tests: the part of its interface that the command line uses; tests set how runs are."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]


class FakePipelines:
    """Runs by id; `fault` is asked at each request, and may answer in the server's stead."""

    def __init__(self) -> None:
        self.experiments: dict[str, Object] = {}
        self.runs: dict[str, Object] = {}
        self.tokens: list[str] = []
        self.fault: Callable[[str, str], int | None] = lambda method, path: None
        self.after_fault = False
        """Whether a request that is answered with a fault is carried out all the same."""

    def end(self, run: str, state: str) -> None:
        """What the engine does at its own time."""
        found = self.runs[run]
        found["state"] = state
        found["state_history"].append({"state": state})

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Object) -> tuple[int, Object]:
        status = self.fault(method, path)
        if status and not self.after_fault:
            return status, {"code": status, "message": "as the test wants it"}
        found = self._answer(method, path.removeprefix("/apis/v2beta1/"), query, body)
        return (status, {"message": "as the test wants it"}) if status else found

    def _answer(self, method: str, path: str, query: dict[str, list[str]], body: Object) -> tuple[int, Object]:
        if path == "healthz":
            return 200, {"multi_user": False}
        kind, _, rest = path.partition("/")
        rows = {"experiments": self.experiments, "runs": self.runs}[kind]
        if method == "POST" and not rest:
            return 200, self._create(kind, rows, body)
        if not rest:
            return 200, {kind: [row for row in rows.values() if _matches(row, query)]}
        name, _, verb = rest.partition(":")
        if name not in rows:
            return 404, {"message": f"{kind} {name} not found"}
        if verb == "terminate":
            self.end(name, "CANCELING")
        return 200, {} if verb else rows[name]

    def _create(self, kind: str, rows: dict[str, Object], body: Object) -> Object:
        key = "experiment_id" if kind == "experiments" else "run_id"
        made = {**body, key: str(uuid.uuid4()), "state": "RUNNING", "state_history": [{"state": "RUNNING"}]}
        rows[made[key]] = made
        return made


def _matches(row: Object, query: dict[str, list[str]]) -> bool:
    wanted = json.loads(query.get("filter", ["{}"])[0]).get("predicates", [])
    return all(row["display_name"] == _value(one) for one in wanted)


def _value(predicate: Object) -> str:
    return str(predicate.get("stringValue") or predicate.get("string_value"))


@contextmanager
def serve(fake: FakePipelines) -> Iterator[str]:
    """Its address, while it serves."""

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            url = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            fake.tokens.append(re.sub("^Bearer ", "", self.headers.get("authorization") or ""))
            status, value = fake.answer(self.command, url.path, parse_qs(url.query), body)
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()

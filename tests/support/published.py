"""A web server of published files that does what servers do to downloads."""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Files:
    """What a server has, and how it behaves: each request takes the next of `tricks`, then it is a good server."""

    content: dict[str, bytes] = field(default_factory=dict)
    tricks: list[Callable[["Handler"], bool]] = field(default_factory=list)
    """Each returns whether it has answered the request itself."""
    always: Callable[["Handler"], bool] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and `Range` of each request."""
    seen: list[dict[str, str]] = field(default_factory=list)
    """Headers of each request."""
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    """Answers with ranges and ETags, as object stores do."""

    protocol_version = "HTTP/1.1"
    files: Files

    def do_GET(self) -> None:
        self.files.asked.append((self.path, self.headers.get("Range", "")))
        self.files.seen.append({name.title(): value for name, value in self.headers.items()})
        trick = self.files.tricks.pop(0) if self.files.tricks else self.files.always
        if trick is None or not trick(self):
            self.good()

    def body(self) -> bytes | None:
        """What is at the path that was asked for."""
        return self.files.content.get(self.path.partition("?")[0])

    def good(self, *, ranges: bool = True, end: int | None = None) -> None:
        """The right answer; with `end` it breaks off before that byte."""
        if (body := self.body()) is None:
            self.say(404, b"no such file")
            return
        etag = f'"{abs(hash(body))}"'
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found and ranges and self.headers.get("If-Range", etag) == etag else 0
        if start and start >= len(body):
            self.say(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            return
        more = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        self.send_response(206 if start else 200)
        for name, value in {**more, "Content-Length": str(len(body) - start), "ETag": etag}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[start:end])
        if end is not None:
            self.close()

    def say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Any answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def close(self) -> None:
        """Break the connection off."""
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def server(**content: bytes) -> Iterator[Files]:
    """A server on loopback; its files are found at `url`."""
    files = Files({f"/{name}": body for name, body in content.items()})
    handler = type("Own", (Handler,), {"files": files})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        files.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield files
        finally:
            http.shutdown()


def breaks_off(at: int) -> Callable[[Handler], bool]:
    """The connection ends before byte `at` of the file."""

    def trick(handler: Handler) -> bool:
        handler.good(end=at)
        return True

    return trick


def stalls(at: int, seconds: float = 30.0) -> Callable[[Handler], bool]:
    """Sends the bytes before `at`, and then nothing."""

    def trick(handler: Handler) -> bool:
        handler.good(end=at)
        handler.wfile.flush()
        time.sleep(seconds)
        return True

    return trick


def answers(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], bool]:
    """That status."""

    def trick(handler: Handler) -> bool:
        handler.say(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return True

    return trick


def ignores_ranges(end: int | None = None) -> Callable[[Handler], bool]:
    """Sends the whole file, whatever was asked for."""

    def trick(handler: Handler) -> bool:
        handler.good(ranges=False, end=end)
        return True

    return trick

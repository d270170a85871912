"""What a store says when it cannot: which way out, which place, which remedy, and never a secret."""

import errno
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from ernie_core.errors import BadInput, Denied, Error, Unreachable
from ernie_core.store import Store, artefact, connection, open_store, transfer

SECRET = "do-not-show-this-secret"

USES: list[Callable[[Store], object]] = [
    lambda store: store.read("a"),
    lambda store: store.write("a", b"1"),
    lambda store: store.write("a", b"1", create=True),
    lambda store: list(store.list()),
    lambda store: store.children(),
    lambda store: artefact.read(store, "a"),
]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One retry is enough to see an error."""
    monkeypatch.setattr(connection, "RETRIES", 1)


@pytest.mark.parametrize("use", USES)
def test_wrong_credentials_are_denied(
    s3: Store, monkeypatch: pytest.MonkeyPatch, use: Callable[[Store], object]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with pytest.raises(Denied, match=r"refused access .*AWS_ACCESS_KEY_ID") as caught:
        use(open_store(s3.url))
    assert SECRET not in str(caught.value)


def test_an_unknown_key_id_is_denied(s3: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(Denied, match="InvalidAccessKeyId"):
        open_store(s3.url).read("a")


def test_no_credentials_are_denied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(Denied, match=r"no credentials for s3://bucket; set AWS_ACCESS_KEY_ID .* or AWS_PROFILE"):
        open_store("s3://bucket/x").read("a")
    monkeypatch.setenv("AWS_PROFILE", "misspelt")
    with pytest.raises(Denied, match="misspelt"):
        open_store("s3://bucket/x").read("a")


def test_a_profile_is_enough(
    s3: Store, server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = f"aws_access_key_id={server['AWS_ACCESS_KEY_ID']}\naws_secret_access_key={server['AWS_SECRET_ACCESS_KEY']}\n"
    (tmp_path / "credentials").write_text(f"[team]\n{keys}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert open_store(s3.url).write("a", b"1")


@pytest.mark.parametrize("use", USES)
def test_a_missing_bucket_is_named(s3: Store, use: Callable[[Store], object]) -> None:
    with pytest.raises(Denied, match=r"there is no bucket misspelt at http://.*; create it, or correct"):
        use(open_store("s3://misspelt/x"))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("place", ["http://127.0.0.1:9", "http://no-such-host.invalid"])
def test_a_server_that_is_not_there_is_unreachable(
    s3: Store, quick: None, monkeypatch: pytest.MonkeyPatch, place: str, use: Callable[[Store], object]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", place)
    with pytest.raises(Unreachable, match=f"{place} did not answer .*check AWS_ENDPOINT_URL"):
        use(open_store(s3.url))


class Answers(http.server.BaseHTTPRequestHandler):
    """A server with one fixed answer; or one that knows objects, but not conditional writes."""

    answer: tuple[int, str] | None = None
    objects: ClassVar[dict[str, bytes]]

    def do_GET(self) -> None:
        if self.answer:
            status, code = self.answer
            self._say(status, f"<Error><Code>{code}</Code><Message>{SECRET}</Message></Error>".encode())
        elif self.path in self.objects:
            self._say(200, self.objects[self.path])
        else:
            self._say(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.answer:
            return self.do_GET()
        if "If-None-Match" in self.headers:
            return self._say(501, b"<Error><Code>NotImplemented</Code></Error>")
        self.objects[self.path] = data
        self._say(200, b"")

    do_HEAD = do_GET

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 02 Jan 2023 00:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answers]]:
    kind = type("Kind", (Answers,), {"objects": {}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        yield kind
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (400, "ExpiredToken", Denied, "refused access"),
        (403, "AccessDenied", Denied, "refused access"),
        (401, "Whatever", Denied, "refused access"),
        (301, "PermanentRedirect", BadInput, "set AWS_REGION"),
        (400, "AuthorizationHeaderMalformed", BadInput, "set AWS_REGION"),
        (500, "InternalError", Unreachable, "answered 500 InternalError: it is full"),
        (503, "SlowDown", Unreachable, "answered 503 SlowDown"),
        (400, "EntityTooStrange", Error, "answered EntityTooStrange"),
    ],
)
def test_each_answer_has_its_way_out(
    answers: type[Answers], quick: None, status: int, code: str, kind: type[Error], words: str
) -> None:
    answers.answer = (status, code)
    for use in USES:
        with pytest.raises(kind, match=words) as caught:
            use(open_store("s3://bucket/x"))
        assert type(caught.value) is kind
        assert SECRET not in str(caught.value)


def test_without_conditional_writes_the_store_looks_before_it_writes(answers: type[Answers], quick: None) -> None:
    store = open_store("s3://bucket/x")
    assert store.write("a", b"first", create=True) is True
    assert store.write("a", b"second", create=True) is False
    assert store.read("a") == b"first"


def test_a_full_disk_says_what_it_needs(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("a", bytes(5000))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10_000, 9_000, 1_000))
    with pytest.raises(Error, match=r"disk full: .* needs 5000 bytes, 1000 free; free some space"):
        store.download("a", tmp_path / "target", size=5000)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10_000, 1_000, 9_000))
    monkeypatch.setattr(transfer.os, "pwrite", full)
    with pytest.raises(Error, match=r"disk full: .* needs 5000 bytes, 9000 free"):
        store.download("a", tmp_path / "target", size=5000)
    assert not (tmp_path / "target").exists()


def test_a_full_store_says_so_and_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    store.write("a", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Error, match=f"disk full: {tmp_path}.* needs 3 bytes, [0-9]+ free"):
            store.write("a", b"new")
    assert store.read("a") == b"old"


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EACCES, Denied), (errno.EROFS, Denied), (errno.ESTALE, Unreachable), (errno.EMFILE, Error)],
)
def test_what_a_file_system_refuses_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Error]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(kind, match=str(tmp_path)) as caught:
        open_store(tmp_path).write("a", b"1")
    assert type(caught.value) is kind

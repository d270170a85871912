"""Downloads from a server that does what servers do: the right file in the end, or one line that says why not."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published import Files, Handler, answers, breaks_off, ignores_ranges, server, stalls

from ernie_core import patience
from ernie_core.catalogue import address, web
from ernie_core.catalogue import download as downloads
from ernie_core.catalogue.download import download
from ernie_core.catalogue.entries import File
from ernie_core.errors import BadInput, Denied, NotFound, Stopped, Unreachable

BODY = bytes(range(256)) * 1000
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules in a hundredth of the time."""
    monkeypatch.setattr(web, "SILENCE", 0.5)
    monkeypatch.setattr(web, "CONNECT", 0.5)
    monkeypatch.setattr(downloads, "STRANGER", 0.6)
    monkeypatch.setattr(downloads, "OUTAGE", 3.0)
    monkeypatch.setattr(patience, "PAUSES", (0.01, 0.1))
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def site() -> Iterator[Files]:
    with server(model=BODY) as files:
        yield files


def bring(site: Files, folder: Path, **known: object) -> bytes:
    file = File("model", f"{site.url}/model", **known)  # type: ignore[arg-type]
    download(file, file.url, folder / "model", tell=lambda _: None)
    return (folder / "model").read_bytes()


def refused(site: Files, folder: Path, kind: type[Exception], **known: object) -> str:
    """What is said; and nothing is there that looks like the file."""
    with pytest.raises(kind) as caught:
        bring(site, folder, **known)
    assert not (folder / "model").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(site.url, "SITE")


def test_a_file_comes_whole_and_nothing_else_stays(site: Files, tmp_path: Path) -> None:
    assert bring(site, tmp_path, sha256=SHA, size=len(BODY)) == BODY
    assert os.listdir(tmp_path) == ["model"]
    assert bring(site, tmp_path, sha256=SHA) == BODY
    assert len(site.asked) == 1


def test_a_broken_connection_resumes_where_it_ended(site: Files, tmp_path: Path) -> None:
    site.tricks = [breaks_off(100_000), breaks_off(150_000)]
    assert bring(site, tmp_path) == BODY
    assert [asked for _, asked in site.asked] == ["", "bytes=100000-", "bytes=150000-"]


def test_a_stall_ends_and_resumes(site: Files, tmp_path: Path) -> None:
    site.tricks = [stalls(1000)]
    assert bring(site, tmp_path) == BODY
    assert site.asked[1] == ("/model", "bytes=1000-")


def test_a_server_that_ignores_ranges_sends_all_again(site: Files, tmp_path: Path) -> None:
    site.tricks = [breaks_off(100_000), ignores_ranges(50_000), ignores_ranges()]
    assert bring(site, tmp_path, sha256=SHA) == BODY


def test_a_file_that_changes_between_two_tries_is_the_new_one(site: Files, tmp_path: Path) -> None:
    def changes(handler: Handler) -> bool:
        handler.good(end=1000)
        site.content["/model"] = BODY[::-1]
        return True

    site.tricks = [changes]
    assert bring(site, tmp_path) == BODY[::-1]


def test_a_server_that_sends_the_rest_of_a_changed_file_is_noticed(site: Files, tmp_path: Path) -> None:
    def rest_of_another(handler: Handler) -> bool:
        rest = BODY[::-1][1000:]
        span = f"bytes 1000-{len(BODY) - 1}/{len(BODY)}"
        handler.say(206, rest, {"ETag": '"another"', "Content-Range": span})
        return True

    site.tricks = [breaks_off(1000), rest_of_another]
    assert bring(site, tmp_path) == BODY


def test_two_versions_put_together_are_found_by_the_digest_and_brought_again(site: Files, tmp_path: Path) -> None:
    def rest_of_another(handler: Handler) -> bool:
        handler.say(206, BODY[::-1][1000:], {"Content-Range": f"bytes 1000-{len(BODY) - 1}/{len(BODY)}"})
        return True

    def first(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY[:1000])
        handler.close()
        return True

    site.tricks = [first, rest_of_another]
    assert bring(site, tmp_path, sha256=SHA) == BODY


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_other_bytes_are_refused(site: Files, tmp_path: Path, kind: str) -> None:
    known = hashlib.new(kind, BODY).hexdigest()
    site.content["/model"] = BODY + b"!"
    said = refused(site, tmp_path, BadInput, **{kind: known})
    assert said.startswith(f"SITE/model: has the {kind} ") and known in said


def test_another_length_than_the_known_one_is_refused_before_it_is_read(site: Files, tmp_path: Path) -> None:
    said = refused(site, tmp_path, BadInput, size=17)
    assert said == "SITE/model: has 256,000 bytes there, but must have 17: it is another file"


def test_a_length_that_is_a_lie_is_damage(site: Files, tmp_path: Path) -> None:
    def too_long(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY) + 5))
        handler.end_headers()
        handler.wfile.write(BODY)
        handler.close()
        return True

    site.always = too_long
    said = refused(site, tmp_path, BadInput)
    assert said == "SITE/model: breaks off after 256,000 of 256,005 bytes each time: it is damaged"


def test_a_length_below_the_truth_gives_a_file_that_its_digest_refuses(site: Files, tmp_path: Path) -> None:
    site.always = answers(200, BODY[:1000])
    assert "has the sha256" in refused(site, tmp_path, BadInput, sha256=SHA)


def test_without_length_and_digest_nobody_knows_whether_a_file_is_whole(site: Files, tmp_path: Path) -> None:
    def endless(handler: Handler) -> bool:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY)
        handler.close()
        return True

    site.always = endless
    assert "could not be told whether it is whole" in refused(site, tmp_path, BadInput)
    assert bring(site, tmp_path, sha256=SHA) == BODY


def hangs_up(handler: Handler) -> bool:
    """The connection ends before any answer."""
    handler.close_connection = True
    return True


def cut(at: int, **headers: str) -> Callable[[Handler], bool]:
    """The whole file, with these headers alone; the connection ends before byte `at`."""

    def trick(handler: Handler) -> bool:
        handler.send_response(200)
        for name, value in {"Content-Length": str(len(BODY)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(BODY[:at])
        handler.close()
        return True

    return trick


def test_a_server_that_hangs_up_for_a_while_is_asked_again(site: Files, tmp_path: Path) -> None:
    site.tricks = [breaks_off(1000), *[hangs_up] * 12]
    assert bring(site, tmp_path) == BODY


def test_a_server_that_only_hangs_up_does_not_answer(site: Files, tmp_path: Path) -> None:
    site.always = hangs_up
    assert refused(site, tmp_path, Unreachable) == "SITE/model: the connection broke off"


def test_breaks_at_different_places_are_no_damage(site: Files, tmp_path: Path) -> None:
    site.tricks = [cut(at) for at in (3000, 2000, 3000, 1000, 3000, 2000, 1000, 3000, 1000, 2000)]
    assert bring(site, tmp_path) == BODY


def test_the_rest_of_a_file_need_not_repeat_its_date(site: Files, tmp_path: Path) -> None:
    def rest(handler: Handler) -> bool:
        start = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
        handler.say(206, BODY[start:], {"Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"})
        return True

    site.tricks = [cut(1000, ETag='W/"1"', Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT"), rest]
    assert bring(site, tmp_path) == BODY
    assert [asked for _, asked in site.asked] == ["", "bytes=1000-"]


@pytest.mark.parametrize("size", [None, 70_000])
def test_an_answer_without_end_does_not_fill_the_disk(
    site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    def endless(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1000):
                handler.wfile.write(b"2710\r\n" + bytes(10_000) + b"\r\n")
            handler.close()
        return True

    monkeypatch.setattr(downloads, "MOST", 100_000)
    site.always = endless
    most = size or 100_000
    assert f"sends more than the {most:,} bytes that it may have" in refused(site, tmp_path, BadInput, size=size)
    assert not os.listdir(tmp_path)


def test_a_size_that_no_published_file_has_is_refused(
    site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST", 100_000)
    assert "no published file has more than 100,000" in refused(site, tmp_path, BadInput)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (410, NotFound), (401, Denied), (403, Denied), (400, BadInput), (503, Unreachable)],
)
def test_a_status_is_said(site: Files, tmp_path: Path, status: int, kind: type[Exception]) -> None:
    site.always = answers(status)
    assert f"{status}" in refused(site, tmp_path, kind)


def test_a_server_that_is_busy_for_a_moment_is_asked_again(site: Files, tmp_path: Path) -> None:
    site.tricks = [answers(503), answers(429), answers(500)]
    assert bring(site, tmp_path) == BODY


def test_the_page_of_a_login_is_no_model(site: Files, tmp_path: Path) -> None:
    site.always = answers(200, b"<html>log in</html>", Content_Type="text/html; charset=utf-8")
    assert "a page of HTML came instead of the file" in refused(site, tmp_path, BadInput)


def test_a_redirect_is_followed(site: Files, tmp_path: Path) -> None:
    site.content["/elsewhere"] = BODY
    site.tricks = [answers(302, Location="/elsewhere")]
    assert bring(site, tmp_path) == BODY


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/x", "data:text/plain,x"])
def test_a_redirect_out_of_http_is_not_followed(site: Files, tmp_path: Path, target: str) -> None:
    site.always = answers(302, Location=target)
    scheme = target.partition(":")[0]
    assert f"redirected to `{scheme}:`, which is not followed" in refused(site, tmp_path, BadInput)


@pytest.mark.parametrize("target", ["http://x:999999/", "http://[::1/", "http://x:abc/", "https:///x", "//:80/"])
def test_a_redirect_to_what_is_no_address_is_said(site: Files, tmp_path: Path, target: str) -> None:
    site.always = answers(302, Location=target)
    assert f"SITE/model: redirected to `{target}`, which is no address of HTTP" in refused(site, tmp_path, BadInput)


@pytest.mark.parametrize("url", ["http://me:secret@host:port/x?k=secret", "http://[::1/x", "host/x", "http:///x"])
def test_what_is_no_address_is_said_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadInput, match="is no address of HTTP: correct it") as caught:
        download(File("model", url), url, tmp_path / "model", tell=lambda _: None)
    assert "secret" not in str(caught.value)


def test_a_proxy_that_is_no_address_is_said(site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:secret@host:port")
    said = refused(site, tmp_path, BadInput)
    assert said == "proxy `http://host:port` is no address of HTTP: correct it: it is of $HTTPS_PROXY or $HTTP_PROXY"


def test_a_token_with_a_wrong_endpoint_is_said(site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_ENDPOINT", "https://host:port/")
    assert refused(site, tmp_path, BadInput).startswith("$HF_ENDPOINT `https://host:port` is no address of HTTP")


def test_a_circle_of_redirects_ends(site: Files, tmp_path: Path) -> None:
    site.always = answers(302, Location="/model")
    assert "redirected more than 5 times" in refused(site, tmp_path, BadInput)


def test_a_redirect_from_https_to_http_is_not_followed() -> None:
    with pytest.raises(BadInput, match="from https to http"):
        web._next("https://host/a", "http://host/a")


def test_a_server_that_is_not_there_is_given_up_soon(tmp_path: Path) -> None:
    with server() as gone:
        pass
    assert refused(gone, tmp_path, Unreachable) == "SITE/model: no connection (Connection refused)"


def test_a_proxy_that_fails_is_named_without_its_password(
    site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server() as gone:
        pass
    monkeypatch.setenv("http_proxy", gone.url.replace("//", "//me:secret@"))
    said = refused(site, tmp_path, Unreachable).replace(gone.url, "PROXY")
    assert said.startswith("SITE/model: the proxy PROXY of the environment does not pass it on")
    assert "secret" not in said


def test_a_proxy_is_used_and_no_proxy_is_honoured(site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as proxy:
        proxy.always = answers(200, BODY)
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:secret@"))
        assert bring(site, tmp_path) == BODY
        assert proxy.asked[0][0] == f"{site.url}/model" and not site.asked
        assert proxy.seen[0]["Proxy-Authorization"].startswith("Basic ")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        (tmp_path / "model").unlink()
        assert bring(site, tmp_path) == BODY
        assert len(site.asked) == 1


def test_no_proxy_may_name_a_port(site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as gone:
        pass
    monkeypatch.setenv("http_proxy", gone.url)
    monkeypatch.setenv("no_proxy", "other:1,127.0.0.1:1")
    assert "the proxy" in refused(site, tmp_path, Unreachable)
    monkeypatch.setenv("no_proxy", f"other:1,{site.url.removeprefix('http://')}")
    assert bring(site, tmp_path) == BODY


def test_a_request_to_stop_keeps_what_came(site: Files, tmp_path: Path) -> None:
    file = File("model", f"{site.url}/model")
    with pytest.raises(Stopped, match="which are kept"):
        download(file, file.url, tmp_path / "model", stop=lambda: True, tell=lambda _: None)
    assert (tmp_path / "model.part").stat().st_size > 0
    assert bring(site, tmp_path) == BODY
    assert site.asked[-1][1].startswith("bytes=")


def test_a_killed_download_resumes(site: Files, tmp_path: Path) -> None:
    site.tricks = [stalls(200_000)]
    code = f"""
from pathlib import Path
from ernie_core.catalogue.download import download
from ernie_core.catalogue.entries import File
file = File("model", "{site.url}/model", sha256="{SHA}")
download(file, file.url, Path("{tmp_path}/model"))
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    part = tmp_path / "model.part"
    for _ in range(500):
        if part.exists() and part.stat().st_size == 200_000:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert bring(site, tmp_path, sha256=SHA) == BODY
    assert site.asked[-1] == ("/model", "bytes=200000-")


def test_the_token_goes_to_the_host_of_hugging_face_alone_and_never_unencrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert web._with_token("https://huggingface.co/a/b", {})["Authorization"] == "Bearer hf_secret"
    for url in ("http://huggingface.co/a", "https://cdn.huggingface.co/a", "https://huggingface.co.evil.org/a",
                "https://huggingface.co:444/a", "https://bj.bcebos.com/a"):  # fmt: skip
        assert "Authorization" not in web._with_token(url, {})


def test_a_signature_in_an_address_is_never_shown() -> None:
    assert address.shown("https://me:pw@host:8443/a/b?X-Amz-Signature=abc#x") == "https://host:8443/a/b"
    assert address.shown("http://me:pw@[::1]:80/a?k=abc") == "http://[::1]:80/a"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("brs"), st.integers(0, len(BODY))), max_size=3), st.booleans())
def test_whatever_happens_the_file_is_the_right_one(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int]], known: bool
) -> None:
    tricks = {"b": breaks_off, "r": ignores_ranges, "s": lambda _: answers(503)}
    with server(model=BODY) as site:
        site.tricks = [tricks[kind](at) for kind, at in events]
        assert bring(site, tmp_path_factory.mktemp("file"), **({"sha256": SHA} if known else {})) == BODY

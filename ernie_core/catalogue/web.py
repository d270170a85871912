"""One request for a file over HTTP: proxies of the environment, checked redirects, errors in our words."""

import contextlib
import functools
import re
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import urllib3
from urllib3 import exceptions

from ernie_core.catalogue import address, huggingface
from ernie_core.catalogue.address import shown
from ernie_core.errors import BadInput, Denied, Unreachable

CONNECT, SILENCE = 10.0, 30.0
"""Seconds for a connection, and seconds for which a server may send nothing."""
REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)


class BrokeOff(Unreachable):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class Answer:
    """The answer of the server that has the file, after all redirects."""

    body: urllib3.BaseHTTPResponse
    url: str

    @property
    def status(self) -> int:
        """Status code of HTTP."""
        return self.body.status

    def header(self, name: str) -> str:
        """A header of the answer; empty if it has none of that name."""
        return self.body.headers.get(name) or ""


@contextlib.contextmanager
def get(url: str, headers: Mapping[str, str]) -> Iterator[Answer]:
    """Ask for a file. Unreachable if no server answers or it breaks off; also what is raised while the body is read."""
    where = address.bare(url)
    try:
        for _ in range(REDIRECTS + 1):
            address.split(url)
            where = shown(url)
            body = _client(url).request("GET", url, headers=_with_token(url, headers), redirect=False, retries=False,
                                        preload_content=False, decode_content=False,
                                        timeout=urllib3.Timeout(connect=CONNECT, read=SILENCE))  # fmt: skip
            with contextlib.closing(body):
                if body.status in _MOVED and (target := body.headers.get("Location")):
                    url = _next(url, target)
                    continue
                yield Answer(body, url)
                return
        raise BadInput(f"{where}: redirected more than {REDIRECTS} times: correct the address")
    except exceptions.HTTPError as error:
        raise _ours(error, where) from error


def _next(url: str, target: str) -> str:
    """Where a redirect leads. BadInput unless it is as safe as where it comes from."""
    try:
        found = urljoin(url, target)
        old, new = urlsplit(url).scheme, urlsplit(found).scheme
        if new in ("http", "https"):
            address.split(found)
    except (BadInput, ValueError) as error:
        said = f"{shown(url)}: redirected to `{address.bare(target)}`, which is no address of HTTP"
        raise BadInput(f"{said}: correct the address") from error
    if new not in ("http", "https"):
        raise BadInput(f"{shown(url)}: redirected to `{new}:`, which is not followed: correct the address")
    if (old, new) == ("https", "http"):
        raise BadInput(f"{shown(url)}: redirected from https to http, which is not followed: correct the address")
    return found


def _with_token(url: str, headers: Mapping[str, str]) -> dict[str, str]:
    token = huggingface.token(url)
    return {**headers, "Accept-Encoding": "identity", "User-Agent": "ernie-jobs",
            **({"Authorization": f"Bearer {token}"} if token else {})}  # fmt: skip


def _client(url: str) -> urllib3.PoolManager:
    parts = address.split(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    if any(urllib.request.proxy_bypass(name) for name in (parts.hostname or "", f"{address.host(parts)}:{port}")):
        return _pool("")
    return _pool(urllib.request.getproxies().get(parts.scheme, ""))


@functools.lru_cache(maxsize=4)
def _pool(proxy: str) -> urllib3.PoolManager:
    if not proxy:
        return urllib3.PoolManager(ssl_context=_trusted())
    parts = _proxy(proxy)
    name = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    headers = urllib3.make_headers(proxy_basic_auth=name) if name else None
    port = f":{parts.port}" if parts.port else ""
    return urllib3.ProxyManager(f"{parts.scheme}://{address.host(parts)}{port}", proxy_headers=headers,
                                ssl_context=_trusted())  # fmt: skip


def _proxy(value: str) -> SplitResult:
    """The address of a proxy, whose scheme may be left out."""
    try:
        return address.split(value if "://" in value else f"http://{value}")
    except BadInput as error:
        raise BadInput(f"proxy {error}: it is of $HTTPS_PROXY or $HTTP_PROXY") from error


def _trusted() -> ssl.SSLContext:
    """Certificates of the machine, or of $SSL_CERT_FILE; those of botocore where a machine has none."""
    context, paths = ssl.create_default_context(), ssl.get_default_verify_paths()
    if not paths.cafile and not paths.capath:
        from botocore import httpsession

        context.load_verify_locations(httpsession.DEFAULT_CA_BUNDLE)
    return context


def _ours(error: exceptions.HTTPError, where: str) -> Exception:
    """An error of the client as one that a person can act on."""
    if isinstance(error, exceptions.ProxyError):
        proxy = shown(_proxy(urllib.request.getproxies().get(urlsplit(where).scheme, "")).geturl())
        said = str(error.original_error)
        if "407" in said:
            return Denied(f"{where}: the proxy {proxy} wants a name and a password: put them into $HTTPS_PROXY")
        return Unreachable(f"{where}: the proxy {proxy} of the environment does not pass it on ({_reason(said)})")
    if isinstance(error, exceptions.SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Denied(f"{where}: the certificate of the server is not trusted: name that of your site with "
                          "$SSL_CERT_FILE")  # fmt: skip
        return Unreachable(f"{where}: no encrypted connection ({_reason(str(error))})")
    if isinstance(error, exceptions.NameResolutionError):
        return Unreachable(f"{where}: there is no such host, or no network")
    if isinstance(error, exceptions.ReadTimeoutError):
        return Unreachable(f"{where}: the server sent nothing for {SILENCE:g} s")
    if isinstance(error, exceptions.NewConnectionError):
        return Unreachable(f"{where}: no connection ({_reason(str(error))})")
    if isinstance(error, exceptions.ConnectTimeoutError):
        return Unreachable(f"{where}: no connection within {CONNECT:g} s")
    if isinstance(error, exceptions.ProtocolError):
        return BrokeOff(f"{where}: the connection broke off")
    return BadInput(f"{where}: no answer of HTTP ({_reason(str(error))}): correct the address")


def _reason(text: str) -> str:
    """The last part of a message of the client, which says what happened."""
    last = re.sub(r"^\[Errno -?\d+\] ", "", text.rpartition(": ")[2])
    return last.strip("'\"()<>") or "no reason given"

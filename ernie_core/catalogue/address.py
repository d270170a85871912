"""Addresses of HTTP: split with all their parts checked, and shown without what may be a credential."""

import re
from urllib.parse import SplitResult, urlsplit

from ernie_core.errors import BadInput
from ernie_core.wording import shorten


def split(url: str) -> SplitResult:
    """The parts of an address of HTTP, with a host, and a port that is a number or None. BadInput for another."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # `http://[::1`, `http://host:abc`
        good = False
    if not good:
        raise BadInput(f"`{bare(url)}` is no address of HTTP: correct it")
    return parts


def shown(url: str) -> str:
    """A good address for a message: without name, password, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{host(parts)}{f':{parts.port}' if parts.port else ''}{parts.path}"


def host(parts: SplitResult) -> str:
    """The host as an address has it, an IPv6 address in brackets."""
    name = parts.hostname or ""
    return f"[{name}]" if ":" in name else name


def bare(url: str) -> str:
    """Anything that was given as an address, for a message: the same parts left out as far as they can be told."""
    return shorten(re.sub(r"(^|//)[^/]*@", r"\1", re.split(r"[?#]", url)[0]))

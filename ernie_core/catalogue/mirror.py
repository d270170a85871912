"""The mirror of a site: one address that holds published files, in place of all their publishers. Imports nothing."""

from pathlib import Path
from urllib.parse import urlsplit

VARIABLE = "ERNIE_JOBS_MIRROR"
"""Environment variable by which a step's process learns of it."""


def address(value: str, folder: Path) -> str:
    """An address of a mirror as steps take it; a relative folder starts from `folder`. ValueError with the remedy."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (a number, or it cannot be read)
    except ValueError:
        raise ValueError("a mirror is a folder, `https://host/folder/` or `s3://bucket/prefix/`") from None
    if parts.scheme in ("http", "https"):
        if parts.username or parts.password:
            raise ValueError("a mirror's address holds no password: a site file is read by many; let it ask for none")
        if not parts.hostname or parts.query or parts.fragment:
            raise ValueError("a mirror is a folder of a web server: `https://host/folder/`")
        return value.rstrip("/")
    if parts.scheme == "s3" and parts.netloc:
        return value.rstrip("/")
    if "://" in value and not value.startswith("file:///"):
        raise ValueError("a mirror is a folder, `https://host/folder/` or `s3://bucket/prefix/`")
    return value if value.startswith("file:///") else str((folder / Path(value).expanduser()).absolute())

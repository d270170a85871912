"""Paths as people write them: what each means on this machine, or why it is none, in one line."""

import errno
import os
import re
import stat
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path

from ernie_core import keys

_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def absolute(text: str, folder: Path) -> Path:
    """A path, from a folder on if it is relative; `~` is a home. ValueError, with the remedy, if it is no path."""
    if found := _CONTROL.search(text):
        raise ValueError(flaw(text) if found[0] >= "\ud800" else f"`{shown(text)}` is not a path: remove the "
                         f"`{shown(found[0])}` from it")  # fmt: skip
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        known = "no home folder is known here" if text.split("/")[0] == "~" else "there is no such user on this machine"
        raise ValueError(f"`{shown(text)}`: {known}, write the whole path") from None
    parts = (Path(os.path.abspath(folder)) / path).parts
    up = max((i for i, part in enumerate(parts) if part == ".."), default=-1) + 1
    # links are followed where `..` needs it; elsewhere what one is called is what the person calls it
    return Path(os.path.realpath(Path(*parts[:up])) if up else "", *parts[up:])


def store(text: object, folder: Path) -> str:
    """The address of a store, absolute. ValueError, with the remedy, if it can be none."""
    if not isinstance(text, str) or not text:
        raise ValueError("where do artefacts go? name a folder, `file:///...` or `s3://bucket/prefix`")
    if text.startswith("s3://"):
        _bucket(text)
    elif "://" not in text:
        return _as_folder(Path(os.path.realpath(absolute(text, folder))))
    elif not text.startswith("file:///") or _CONTROL.search(text):
        raise ValueError(f"`{shown(text)}` is not a store, use a folder, `file:///...` or `s3://bucket/prefix`")
    else:
        _as_folder(Path(of_url(text)))
    return text


def wrong(inputs: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Which of these can be no inputs whatever is there, being neither paths nor URLs that are read, and why not."""
    for i, text in enumerate(inputs):
        try:
            if text.startswith("s3://"):
                _bucket(text)
            else:
                absolute(of_url(text) if "://" in text else text, Path())
        except ValueError as error:
            yield i, str(error)


def of_url(text: str) -> str:
    """The path of `file:///a%20b`. ValueError for a URL of another kind."""
    scheme, _, rest = text.partition("://")
    if scheme != "file":
        known = "s3://bucket/prefix" if scheme in ("s3a", "s3n", "S3") else "a path, file:///path or s3://bucket/prefix"
        raise ValueError(f"`{shown(text)}`: nothing is read from {shown(scheme)}://, use {known}")
    if rest.startswith("localhost/"):
        rest = rest.removeprefix("localhost")
    if not rest:
        raise ValueError(f"`{text}` names no file, write file:///path")
    if os.path.lexists(rest.replace("\0", "")):
        return rest  # that a name has a percent sign in it is rare, but then it is called so
    return os.fsdecode(urllib.parse.unquote_to_bytes(os.fsencode(rest)))


def shown(path: object) -> str:
    """A path for a person to read: what cannot be printed, or would move the cursor, as `\\xd0` or `\\n`."""
    return _CONTROL.sub(_escaped, str(path))


def flaw(path: object) -> str:
    """Why what has this name cannot be an input, with the remedy; empty if it can."""
    text = str(path)
    if re.search("[\ud800-\udfff]", text):
        return (
            f"`{shown(text)}`: the name is not UTF-8 (from an archive made on Windows?), rename it, for names in GBK: "
            "convmv -f gbk -t utf8 --notest -r FOLDER"
        )
    if _CONTROL.search(text):
        return f"`{shown(text)}`: the name has control characters in it, rename it"
    return ""


def special(mode: int) -> str:
    """What it is that is neither file nor folder; empty for those."""
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
             stat.S_IFBLK: "a device"}  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "")


def why(path: Path, error: OSError) -> str:
    """Why there is nothing to read at a path, with the remedy."""
    name = shown(path)
    if error.errno == errno.ENOTDIR:
        file = next((parent for parent in path.parents if parent.is_file()), path.parent)
        return f"`{name}`: `{shown(file)}` is a file, not a folder, correct the path"
    if error.errno == errno.ENAMETOOLONG:
        return f"`{name[:60]}...` is longer than a path can be, correct it"
    if error.errno == errno.ELOOP or path.is_symlink():
        return f"`{name}` is a link to `{shown(_target(path))}`, which leads nowhere, repair or remove it"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"`{name}` cannot be read ({error.strerror}), have its owner allow it (chmod), or leave it out"
    return f"`{name}` cannot be read: {error.strerror}"


def _as_folder(path: Path) -> str:
    """The path, unless no folder can be there."""
    for place in (path, *path.parents):
        try:
            mode = place.stat().st_mode
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise ValueError(why(path, error)) from None
            continue  # it, or what is above it, is to be made
        if not stat.S_ISDIR(mode):
            what = special(mode) or "a file"
            raise ValueError(f"`{shown(path)}` cannot be a store: `{shown(place)}` is {what}, name a folder")
        break
    return str(path)


def _bucket(url: str) -> None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not re.fullmatch(_BUCKET, bucket):
        named = f"`{shown(bucket)}` is not the name of a bucket" if bucket else "names no bucket"
        raise ValueError(f"`{shown(url)}`: {named}, write s3://bucket/prefix (is a variable empty?)")
    # more slashes than one are a slip, as in the paths of a shell
    if (key := "/".join(filter(None, key.split("/")))) and (why := keys.flaw(key)):
        raise ValueError(f"`{shown(url)}` names nothing in a bucket: {why}, correct it")


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # the link is one of its folders
        return "..."


def _escaped(found: "re.Match[str]") -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else ascii(found[0])[1:-1]

"""Runs uv: found beside this interpreter, shielded from the user's active environment, its words passed on readably."""

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ernie_core.errors import Error, NotFound

_KEPT = re.compile(
    r"UV_((DEFAULT_|EXTRA_)?INDEX(_.*)?|FIND_LINKS|NO_INDEX|CACHE_DIR|NO_CACHE|OFFLINE|LINK_MODE|CONFIG_FILE|NO_CONFIG"
    r"|KEYRING_PROVIDER|HTTP_.*|REQUEST_TIMEOUT|INSECURE_HOST|SYSTEM_CERTS|NATIVE_TLS|CONCURRENT_.*|PYTHON_INSTALL_DIR)"
)
"""Settings of uv about where files come from and how; all others could change what is built, and are left out."""

_DROPPED = {"VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"}

_FROM_PIP = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_CERT": "SSL_CERT_FILE"}
"""What pip calls a setting -> what uv calls it. Harmless, since every file is checked against the hash in the lock."""

_OLDER_NAMES = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}

_REMEDIES = (
    ("no space left", "free space on the disk of the cache, or point $ERNIE_JOBS_HOME and $UV_CACHE_DIR elsewhere"),
    (
        "hash mismatch",
        "the index serves files whose hashes differ from the lock: run `uv cache clean` and try again, or ask "
        "whoever runs it",
    ),
    (
        "dns error|connect|timed out|timeout|network|offline|certificate",
        "no connection to the package index: set $UV_DEFAULT_INDEX to one that can be reached, or $HTTPS_PROXY, or "
        "$SSL_CERT_FILE (pip.conf is not read; $PIP_INDEX_URL and $PIP_CERT are)",
    ),
    (
        "was not found|no version|no solution|no wheel|no matching|not compatible|no usable|doesn't have",
        "the index has no such file for this machine: the locks are for Linux on x86-64; set $UV_DEFAULT_INDEX to an "
        "index that has them",
    ),
)


def binary() -> Path:
    """The uv that was installed with us. NotFound if it is gone."""
    try:
        import uv

        return Path(uv.find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        raise NotFound("uv is not installed beside this command, run `pip install uv` in its environment") from error


def run(args: Sequence[str], *, cwd: Path, say: Callable[[str], None]) -> None:
    """Run uv to its end and pass on what it does; Error with its last lines and a remedy if it fails."""
    command = [str(binary()), *args, "--color=never"]
    last: deque[str] = deque(maxlen=12)
    with subprocess.Popen(
        command, cwd=cwd, env=environment(os.environ), text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            last.append(line.rstrip())
            if text := _readable(line):
                say(text)
    if process.returncode:
        words = "\n".join(f"  {line}" for line in last if line)
        raise Error(f"`uv {' '.join(args[:2])}` failed with code {process.returncode}:\n{words}\n{_remedy(words)}")


def ask(args: Sequence[str], cwd: Path) -> str:
    """What uv prints, stripped; empty if it fails."""
    command, env = [str(binary()), *args], environment(os.environ)
    done = subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, stdin=subprocess.DEVNULL)
    return done.stdout.strip() if done.returncode == 0 else ""


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that uv may see."""
    kept = {k: v for k, v in environ.items() if k not in _DROPPED and (not k.startswith("UV_") or _KEPT.fullmatch(k))}
    for theirs, ours in _FROM_PIP.items():
        if environ.get(theirs) and ours not in kept and _OLDER_NAMES.get(ours) not in kept:
            kept[ours] = environ[theirs]
    return kept | {"UV_PYTHON_DOWNLOADS": "never"}


def _readable(line: str) -> str:
    words = line.split()
    if not words or words[0] in ("+", "-", "~", "Using"):
        return ""
    if words[0] in ("Resolved", "Downloading", "Building", "Built", "Prepared", "Installed", "Bytecode"):
        return " ".join([words[0].lower(), *words[1:]])
    return line.strip() if words[0].startswith("warning") else ""


def _remedy(words: str) -> str:
    fitting = (text for pattern, text in _REMEDIES if re.search(pattern, words, re.IGNORECASE))
    return next(fitting, "correct what it names and run again")

"""The local environment of an image: built on first use from its container's lock, then found by the lock's hash."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ernie_core.errors import Error, NotFound
from ernie_core.runtime import paddle_environment
from ernie_core.store import disk
from jobs.local import installer, interpreter

RECIPE = 1
"""Raised when `build` makes something else of the same lock."""

_ELSEWHERE = {"control", "launch", "train-gpu"}
"""The images of this command line and of what only clusters run: none of them is built here."""

_JOBS = Path(__file__).resolve().parents[1]

REMEDY = "set ERNIE_JOBS_HOME to a folder that you may write to"

Say = Callable[[str], None]


def images() -> list[str]:
    """The images in which steps run on this machine."""
    return sorted(p.parent.name for p in _images().glob("*/requirements.lock") if p.parent.name not in _ELSEWHERE)


def lock(image: str) -> Path:
    """The lock file of an image: in the source tree, or as it was copied into the installed package."""
    if image not in images():
        raise NotFound(f"no image `{image}`, choose from: {', '.join(images())}")
    return _images() / image / "requirements.lock"


def build_lock(image: str) -> Path | None:
    """What its source packages are built with; None if it has no build lock."""
    existing = lock(image).with_name("build.lock")
    return existing if existing.is_file() else None


def digest(image: str) -> str:
    """What tells two environments of an image apart: a hash of its locks, the Python version, the way of building."""
    state = hashlib.sha256(lock(image).read_bytes())
    if tools := build_lock(image):
        state.update(tools.read_bytes())
    state.update(f"python {interpreter.WANTED} recipe {RECIPE}".encode())
    return state.hexdigest()[:12]


def folder(image: str) -> Path:
    """Where the environment of an image is, or will be."""
    return home() / "environments" / f"{image}-{digest(image)}"


def home() -> Path:
    """Where we keep what can be made again: `$ERNIE_JOBS_HOME`, else the user's cache folder."""
    named, cache = os.environ.get("ERNIE_JOBS_HOME"), os.environ.get("XDG_CACHE_HOME")
    try:
        if named:
            return Path(os.path.abspath(Path(named).expanduser()))
        return Path(os.path.abspath(Path(cache or Path.home() / ".cache") / "ernie-jobs"))
    except RuntimeError:  # a pod, say, whose user has no entry in passwd and no $HOME
        what = (
            f"ERNIE_JOBS_HOME is {named}, there is no such user" if named else f"user {os.getuid()} has no home folder"
        )
        raise NotFound(f"{what}: {REMEDY}") from None


def ready() -> Path:
    """The same folder, made if it is not there, and tried. Error, with the remedy, if nothing can be written there."""
    place = home()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place) as trial:
            trial.write(b" " * 4096)
            trial.flush()
    except OSError as error:
        why = "it is a file" if place.is_file() else (error.strerror or str(error)).lower()
        more = "free space there, or " if disk.is_full(error) else ""
        raise Error(f"nothing can be written to {place}, the cache of ernie-jobs: {why}: {more}{REMEDY}") from None
    return place


def python(image: str) -> Path | None:
    """The interpreter of a built environment; None if there is none, or if the Python below it is gone."""
    existing = folder(image) / "bin" / "python"
    return existing if os.access(existing, os.X_OK) else None


def build(image: str, *, say: Say) -> Path:
    """The interpreter of the environment, built if need be: whole or absent, and once even if several ask for it."""
    existing = python(image)
    if existing:
        return existing
    if not (os.environ.get("HOME") or os.environ.get("XDG_CACHE_HOME")):
        os.environ.setdefault("UV_CACHE_DIR", str(ready() / "uv"))  # uv does not know where to keep files, either
    ready()
    base = interpreter.find()
    target = folder(image)
    target.parent.mkdir(parents=True, exist_ok=True)
    busy = f"another process builds the environment `{image}`, waiting for it"
    with _locked(target.parent / f".{image}.lock", busy, say):
        existing = python(image)
        if existing:
            return existing
        # Of builds that were killed: we hold the lock, so none of them is alive.
        for stale in target.parent.glob(f".{image}.*.building"):
            shutil.rmtree(stale)
        if target.exists():  # its Python was removed from this machine
            shutil.rmtree(target)
        _make(image, base, target, say)
    return target / "bin" / "python"


def code() -> Path:
    """A folder for PYTHONPATH with exactly `components` and `ernie_core`: a step sees neither us nor our libraries."""
    packages = {name: _JOBS.parent / name for name in ("components", "ernie_core")}
    name = hashlib.sha256("\n".join(map(str, packages.values())).encode()).hexdigest()[:12]
    target = home() / "code" / name
    if target.exists():
        return target
    ready()
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".", dir=target.parent))
    for package, place in packages.items():
        (making / package).symlink_to(place, target_is_directory=True)
    try:
        making.rename(target)
    except OSError:  # another process was faster, with the same links
        shutil.rmtree(making)
        if not target.exists():
            raise
    return target


def leftovers() -> list[Path]:
    """Environments of locks that are not ours: of earlier versions, or of another checkout that still uses them."""
    current = {folder(image).name for image in images()}
    return sorted(p for p in home().glob("environments/[!.]*") if p.name not in current)


def _images() -> Path:
    installed = _JOBS / "_images"
    return installed if installed.is_dir() else _JOBS.parent / "images"


def _make(image: str, base: interpreter.Interpreter, target: Path, say: Say) -> None:
    count = len(re.findall(r"^[\w.\[\]-]+==", lock(image).read_text(encoding="utf-8"), re.MULTILINE))
    say(f"building the environment `{image}`, needed once: {count} packages for Python {base.version} ({base.path})")
    begin = time.monotonic()
    making = Path(tempfile.mkdtemp(prefix=f".{image}.", suffix=".building", dir=target.parent))
    try:
        making.chmod(0o755)
        venv = making / "venv"
        inside = venv / "bin" / "python"
        venv_args = ["venv", "--relocatable", "--no-project", "--python", str(base.path), str(venv)]
        installer.run(venv_args, cwd=making, say=say)
        # Compiled now: Paddle's import takes a third of the time, and steps that start together do not race for it.
        sync_args = ["pip", "sync", "--require-hashes", "--compile-bytecode", "--python", str(inside), str(lock(image))]
        if tools := build_lock(image):
            sync_args += ["--build-constraints", str(tools), "--require-build-hashes"]
        installer.run(sync_args, cwd=making, say=say)
        # Where zlib is a shared module, Paddle followed by its first use is a segmentation fault: so it comes first.
        site = next(venv.glob("lib/python*/site-packages"))
        (site / "aa_zlib_first.pth").write_text("import zlib\n", encoding="utf-8")
        _smoke(image, inside)
        venv.rename(target)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    size = sum(p.lstat().st_size for p in target.rglob("*"))
    say(f"built `{image}` in {time.monotonic() - begin:.0f} s, {size / 2**20:.0f} MiB: {target}")


def _smoke(image: str, inside: Path) -> None:
    script = _images() / image / "smoke.py"
    if not script.is_file():
        return
    done = subprocess.run(
        [inside, "-I", script],
        env=installer.environment(os.environ) | paddle_environment(1), capture_output=True, text=True, errors="replace",
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        last = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).strip().splitlines()[-8:])
        raise Error(
            f"the environment `{image}` was installed but does not work here, its trial run ended with {how}:\n{last}\n"
            "the wheels are for Linux on x86-64 with AVX; if this is such a machine, run `uv cache clean` and try again"
        )


@contextlib.contextmanager
def _locked(file: Path, busy: str, say: Say) -> Iterator[None]:
    with file.open("w") as held:  # the file stays: removing it would let two processes hold two locks of one name
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(busy)
            fcntl.flock(held, fcntl.LOCK_EX)
        yield

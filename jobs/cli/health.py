"""The checks of `kfp doctor`: the command, the installation, the environments of the steps, a server, a store."""

import importlib
import os
import platform
import re
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from ernie_core.errors import Error
from jobs.cli import script
from jobs.local import environments, installer, interpreter

_OWNERS = {
    "ours": "is that of ernie-jobs",
    "stock": "is stock kfp's, installed after us",
    "unknown": "is another program",
    "nobody": "is gone",
}

ROOM = 6 * 2**30
"""Disk space of all environments and a small run, in bytes."""


@dataclass(frozen=True)
class Check:
    """One line: what was checked, the result, and the remedy if that is a problem."""

    name: str
    found: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """There is nothing to do."""
        return not self.remedy


def checks(store: str | None) -> Iterator[Check]:
    """Everything, each as soon as it is known."""
    yield from script_checks()
    yield from installation_checks()
    yield from environment_checks()
    yield server_check()
    if store:
        yield store_check(store)


def script_checks() -> Iterator[Check]:
    """The owner of the command `kfp`, as installed here and as a shell finds it."""
    file = script.recorded()
    if file is None:
        yield Check("command kfp", "none, running from a source tree", "`pip install .`, or call `python -m jobs`")
    else:
        owner = script.owner(file)
        taken = "`ernie-jobs doctor --fix` restores it; ernie-jobs itself always works"
        yield Check("command kfp", f"{file} {_OWNERS[owner]}", "" if owner == "ours" else taken)
    shell = script.on_path()
    if shell is None:
        yield Check("kfp on PATH", f"none, call it as {file}" if file else "none")
    elif file and not _same(shell, file):
        yield Check(
            "kfp on PATH", f"{shell}, not that of ernie-jobs", f"put {file.parent} first in PATH, or call ernie-jobs"
        )
    elif file:
        yield Check("kfp on PATH", str(shell))


def installation_checks() -> Iterator[Check]:
    """This Python, the pinned packages, uv, the compiled part."""
    yield Check("python", f"{platform.python_version()} ({sys.executable})")
    yield from _pins()
    try:
        yield Check("uv", f"{installer.ask(['--version'], Path('/'))} ({installer.binary()})")
    except Error as error:
        yield Check("uv", "none", str(error))
    try:
        module = importlib.import_module("ernie_core.data._index")
        yield Check("compiled part", str(module.__file__))
    except ImportError as error:
        yield Check("compiled part", f"missing: {error}", "`pip install .` with a C compiler, or install the wheel")


def environment_checks() -> Iterator[Check]:
    """A Python for the images, disk space, and which environments are built."""
    try:
        found = interpreter.find()
        yield Check("python of images", f"{found.version} ({found.path}, from {found.origin})")
    except Error as error:
        yield Check("python of images", "none", str(error))
    home = environments.home()
    above = next(p for p in (home, *home.parents) if p.exists())
    free, built = shutil.disk_usage(above).free, 0
    for image in environments.images():
        place = environments.folder(image)
        built += bool(environments.python(image))
        state = "built" if environments.python(image) else "not built yet, the first run that needs it does"
        yield Check(f"image {image}", f"{environments.digest(image)} {state}: {place}")
    tight = free < ROOM and built < len(environments.images())
    remedy = f"free {(ROOM - free) / 2**30:.0f} GiB, or point $ERNIE_JOBS_HOME elsewhere" if tight else ""
    yield Check("room for them", f"{free / 2**30:.0f} GiB free at {home}", remedy)
    old = environments.leftovers()
    if old:
        yield Check("old environments", f"{len(old)} of other lock files, safe to remove: {' '.join(map(str, old))}")


def server_check() -> Check:
    """Whether a Kubeflow server is configured; only then is the network touched."""
    from jobs.spec import endpoints, site

    try:
        endpoint, named = endpoints.find(site.find(Path.cwd()), {})
    except Error as error:
        return Check("kfp server", f"unknown: {error}", "correct the site file: `kfp check` names each problem")
    if not endpoint:
        return Check("kfp server", "none configured ($KFP_ENDPOINT, or a site file), runs stay on this machine")
    try:
        with urllib.request.urlopen(f"{endpoint}/apis/v2beta1/healthz", timeout=10) as answer:
            return Check("kfp server", f"{endpoint} answers ({answer.status}), named by {named}")
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            return Check("kfp server", f"{endpoint} answers, and asks for credentials ({error.code})")
        remedy = f"correct {named}: the pipeline API is not there"
        return Check("kfp server", f"{endpoint} answers {error.code}", remedy)
    except (OSError, ValueError) as error:
        remedy = f"correct {named}, or start the port-forward"
        return Check("kfp server", f"{endpoint} does not answer: {error}", remedy)


def store_check(url: str) -> Check:
    """Whether a store can be listed, in the same way as runs do it."""
    from ernie_core.store import open_store
    from jobs.spec import site

    try:
        os.environ.update(site.environment(site.find(Path.cwd())))
        store = open_store(url)
        return Check("store", f"{store.url} answers, {len(store.children())} names at its root")
    except (Error, OSError) as error:
        return Check("store", f"{url}: {error}", "correct the address, the credentials, or `s3:` in site.yaml")


def _pins() -> Iterator[Check]:
    try:
        wanted = distribution("ernie-jobs").requires or []
    except PackageNotFoundError:
        return
    wrong = []
    for requirement in wanted:
        pin = re.fullmatch(r"([\w.-]+)==([\w.]+)", requirement)
        if pin:
            try:
                found = version(pin[1])
            except PackageNotFoundError:
                found = "nothing"
            wrong += [] if found == pin[2] else [f"{pin[1]} {found} instead of {pin[2]}"]
    remedy = "install ernie-jobs again, then `ernie-jobs doctor --fix`" if wrong else ""
    yield Check("pinned packages", ", ".join(wrong) or f"{len(wanted)} as pinned, kfp {version('kfp')}", remedy)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return False

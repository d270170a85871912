"""The wheel, installed as people do it: who answers `kfp`, what is in it, and how a taken command comes back.

Packages come from uv's cache or from the package index.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.local import environments, installer, interpreter

pytestmark = pytest.mark.install

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "images" / "control" / "requirements.lock"
PARTS = (
    "jobs", "components", "ernie_core", "images", "specs",
    "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE",
)  # fmt: skip


class Place:
    """A fresh environment; commands in it see nothing of the one that runs the tests."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder = folder
        self.uv("venv", "--python", python, str(folder))

    def is_ours(self) -> bool:
        """Whether ours answers `kfp` here; the other one is stock's."""
        text = (self.folder / "bin" / "kfp").read_text()
        assert ("from jobs.cli import main" in text) != ("from kfp.cli.__main__ import main" in text)
        return "from jobs.cli import main" in text

    def uv(self, *args: str) -> None:
        """Run uv on this environment."""
        env = installer.environment(os.environ) | {"VIRTUAL_ENV": str(self.folder)}
        subprocess.run([installer.binary(), "-q", *args], env=env, check=True, cwd=self.folder.parent)

    def pip(self, *args: str) -> None:
        """Run pip in this environment."""
        self.run("python", "-m", "pip", "-q", *args).check_returncode()

    def run(self, name: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment; no Kubernetes and no server can be found from there."""
        env = installer.environment(os.environ) | {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin", "KUBECONFIG": "/nowhere",
            "ERNIE_JOBS_HOME": str(self.folder / "home"),
        }  # fmt: skip
        command = [self.folder / "bin" / name, *args]
        return subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True)


Make = Callable[..., Place]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a release holds: building in the tree would leave files there."""
    copy = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.c", "*.egg-info")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=ignore)
        else:
            shutil.copy(ROOT / part, copy)
    return copy


@pytest.fixture(scope="session")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [installer.binary(), "build", "-q", "--wheel", "--python", sys.executable, "-o", folder, source]
    subprocess.run(command, env=installer.environment(os.environ), check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes fresh environments."""

    def make(name: str, python: str = sys.executable) -> Place:
        return Place(tmp_path_factory.mktemp(name) / "env", python)

    return make


@pytest.fixture(scope="session")
def old_python() -> str:
    """The Python of the images."""
    return str(interpreter.find().path)


def test_the_wheel_holds_the_three_packages_and_what_a_local_run_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info/" not in n} == {"jobs", "components", "ernie_core"}
    assert {f"jobs/_images/{i}/requirements.lock" for i in (*environments.images(), "control")} <= set(names)
    assert {f"jobs/_images/{i}/smoke.py" for i in environments.images()} <= set(names)
    assert "jobs/_specs/quickstart.yaml" in names
    assert not [n for n in names if n.endswith((".c", ".pyc")) or "test" in n]
    assert "-cp310-abi3-" in wheel.name


def test_pip_gives_the_command_to_us_and_the_rest_of_it_stays_stocks(wheel: Path, place: Make) -> None:
    fresh = place("pip")
    fresh.uv("pip", "install", "pip")
    fresh.pip("install", str(wheel))
    assert fresh.is_ours()

    done = fresh.run("kfp", "run", "x.yaml", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: kfp run")
    assert fresh.run("ernie-jobs", "plan", "--help").stdout.startswith("Usage: ernie-jobs plan")
    assert fresh.run("python", "-m", "jobs", "plan", "--help").stdout.startswith("Usage: python -m jobs plan")

    program = "import sys; sys.argv[0] = 'kfp'; from kfp.cli.__main__ import main; main()"
    stock = fresh.run("python", "-c", program, "dsl", "compile", "--help")
    assert "--py" in stock.stdout
    assert fresh.run("kfp", "dsl", "compile", "--help").stdout == stock.stdout
    # Offline the list of runs fails, in stock's words: it looks for a cluster before it looks at --help.
    listing = fresh.run("kfp", "run", "list", "--help")
    assert "Usage: kfp run SPEC" not in listing.stdout
    assert listing.returncode != 0

    assert fresh.run("kfp", "doctor").returncode == 0, fresh.run("kfp", "doctor").stdout
    fresh.pip("install", "--force-reinstall", "--no-deps", "kfp==2.17.0")
    assert not fresh.is_ours()
    seen = fresh.run("ernie-jobs", "doctor")
    assert seen.returncode == 1
    assert "stock kfp's, installed after us" in seen.stdout
    assert fresh.run("ernie-jobs", "doctor", "--fix").returncode == 0
    assert fresh.is_ours()
    assert fresh.run("kfp", "run", "x.yaml", "--help").stdout.startswith("Usage: kfp run")


def test_uv_may_give_the_command_to_either_and_a_reinstall_or_the_doctor_to_us(wheel: Path, place: Make) -> None:
    fresh = place("uv")
    fresh.uv("pip", "install", str(wheel))
    won = fresh.is_ours()
    assert fresh.run("ernie-jobs", "doctor").returncode == (0 if won else 1)
    assert fresh.run("ernie-jobs", "doctor", "--fix").returncode == 0
    assert fresh.is_ours()
    fresh.uv("pip", "install", "--reinstall-package", "kfp", "--no-deps", "kfp==2.17.0")
    assert not fresh.is_ours()
    fresh.uv("pip", "install", "--reinstall-package", "ernie-jobs", "--no-deps", str(wheel))
    assert fresh.is_ours()


def test_an_editable_install_from_the_lock_works_and_finds_its_locks_in_the_tree(source: Path, place: Make) -> None:
    fresh = place("editable")
    fresh.uv("pip", "sync", "--require-hashes", str(LOCK))
    assert not fresh.is_ours()
    fresh.uv("pip", "install", "--no-deps", "-e", str(source))
    assert fresh.is_ours()
    program = (
        "from jobs.local.environments import lock; import ernie_core.data._index as i\nprint(lock('text'), i.__file__)"
    )
    done = fresh.run("python", "-c", program)
    lock, extension = done.stdout.split()
    assert lock == str(source / "images" / "text" / "requirements.lock")
    assert extension.startswith(str(source))
    assert fresh.run("kfp", "doctor").returncode == 0
    assert not (source / "jobs" / "_images").exists()


def test_one_wheel_serves_the_command_line_and_the_images(wheel: Path, place: Make, old_python: str) -> None:
    for name, python in (("new", None), ("old", old_python)):
        fresh = place(name, python) if python else place(name)
        fresh.uv("pip", "install", "--no-deps", str(wheel))
        program = "import sys, ernie_core.data._index as i\nprint(*sys.version_info[:2], i.__file__)"
        done = fresh.run("python", "-c", program)
        assert done.returncode == 0, done.stderr
        if python:
            assert done.stdout.startswith("3 10 ")

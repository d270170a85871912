"""Local environments: from a lock to an interpreter, whole or absent. uv is real, the packages are tiny wheels."""

import base64
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from ernie_core.errors import BadInput, Error, NotFound
from jobs.local import environments, installer, interpreter

ROOT = Path(__file__).resolve().parents[2]


def silent(text: str) -> None:
    """Say nothing."""


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image `tiny` with one package, installable without a network."""
    wheels, folder = tmp_path / "wheels", tmp_path / "images" / "tiny"
    wheels.mkdir()
    folder.mkdir(parents=True)
    digest = wheel(wheels, "grain", "WEIGHT = 7\n")
    (folder / "requirements.lock").write_text(f"grain==1.0 \\\n    --hash=sha256:{digest}\n    # via tiny\n")
    (folder / "smoke.py").write_text("import grain\nassert grain.WEIGHT == 7\n")
    monkeypatch.setattr(environments, "_images", lambda: tmp_path / "images")
    monkeypatch.setenv("ERNIE_JOBS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    return folder


def test_an_environment_is_built_on_first_use_and_found_afterwards(image: Path) -> None:
    said: list[str] = []
    assert environments.python("tiny") is None
    built = environments.build("tiny", say=said.append)
    assert environments.python("tiny") == built
    program = "import grain, sys; print(grain.WEIGHT, *sys.version_info[:2])"
    assert subprocess.check_output([built, "-c", program], text=True).split() == ["7", "3", "10"]
    assert "1 packages for Python 3.10" in said[0]
    assert any(text.startswith("installed 1 package") for text in said)
    said.clear()
    assert environments.build("tiny", say=said.append) == built
    assert said == []


def test_zlib_is_imported_before_anything_else_can_be(image: Path) -> None:
    built = environments.build("tiny", say=silent)
    assert subprocess.call([built, "-c", "import sys; assert 'zlib' in sys.modules"]) == 0


def test_another_lock_is_another_environment(image: Path) -> None:
    before = environments.build("tiny", say=silent)
    with (image / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert environments.python("tiny") is None
    assert environments.build("tiny", say=silent) != before
    assert environments.leftovers() == [before.parents[1]]


def test_a_file_that_is_not_the_one_of_the_lock_is_refused_and_leaves_nothing(image: Path, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "grain", "WEIGHT = 8\n")
    with pytest.raises(Error, match=r"(?s)Hash mismatch.*the index serves files whose hashes differ from the lock"):
        environments.build("tiny", say=silent)
    assert nothing_built(tmp_path)


def test_a_package_that_the_index_lacks_is_named_with_a_remedy(image: Path, tmp_path: Path) -> None:
    (tmp_path / "wheels" / "grain-1.0-py3-none-any.whl").unlink()
    with pytest.raises(Error, match=r"(?s)grain.*\$UV_DEFAULT_INDEX"):
        environments.build("tiny", say=silent)
    assert nothing_built(tmp_path)


def test_an_environment_that_does_not_work_is_never_seen(image: Path, tmp_path: Path) -> None:
    (image / "smoke.py").write_text("import os\nos.abort()\n")
    with pytest.raises(Error, match=r"`tiny` was installed but does not work here, its trial run ended with signal 6"):
        environments.build("tiny", say=silent)
    assert nothing_built(tmp_path)


def test_a_second_builder_waits_and_says_so(image: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / "environments").mkdir(parents=True)
    said: list[str] = []
    waits = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        waits.set()

    with (tmp_path / "home" / "environments" / ".tiny.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = threading.Thread(target=environments.build, args=("tiny",), kwargs={"say": say})
        second.start()
        assert waits.wait(30)
        assert said == ["another process builds the environment `tiny`, waiting for it"]
        assert environments.python("tiny") is None
    second.join(60)
    assert environments.python("tiny") is not None


def test_a_killed_build_is_absent_and_the_next_one_cleans_up(image: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    note = f"pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))"
    (image / "smoke.py").write_text(f"import os, pathlib, time\n{note}\ntime.sleep(60)\n")
    program = (
        "import pathlib, sys; from jobs.local import environments\n"
        "environments._images = lambda: pathlib.Path(sys.argv[1])\n"
        "environments.build('tiny', say=print)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "images")]
    builder = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()):
        assert builder.poll() is None
        assert time.monotonic() < deadline, "the build did not get to its trial run"
        time.sleep(0.02)
    builder.kill()
    builder.wait()
    os.kill(int(mark.read_text()), signal.SIGKILL)
    home = tmp_path / "home" / "environments"
    assert environments.python("tiny") is None
    assert len(list(home.glob("*.building"))) == 1
    (image / "smoke.py").write_text("import grain\n")
    environments.build("tiny", say=silent)
    assert list(home.glob(".*.building")) == []


def test_an_environment_whose_python_was_removed_is_built_again(image: Path) -> None:
    built = environments.build("tiny", say=silent)
    built.unlink()
    built.symlink_to("/nowhere/python3.10")
    assert environments.python("tiny") is None
    assert subprocess.call([environments.build("tiny", say=silent), "-c", "import grain"]) == 0


def test_the_active_environment_of_the_user_changes_nothing_but_index_and_cache() -> None:
    users = {
        "PATH": "/bin", "VIRTUAL_ENV": "/home/me/venv", "PYTHONPATH": "/home/me", "UV_PYTHON": "3.13",
        "UV_TARGET": "/x", "UV_EXCLUDE_NEWER": "2020-01-01", "UV_CACHE_DIR": "/cache", "UV_INDEX_OURS_PASSWORD": "x",
        "HTTPS_PROXY": "http://proxy",
    }  # fmt: skip
    kept = {"PATH", "UV_CACHE_DIR", "UV_INDEX_OURS_PASSWORD", "HTTPS_PROXY", "UV_PYTHON_DOWNLOADS"}
    assert set(installer.environment(users)) == kept


def test_the_index_of_pip_serves_unless_uv_has_its_own() -> None:
    ours = {"PIP_INDEX_URL": "https://mirror.example/simple"}
    assert installer.environment(ours)["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    both = ours | {"UV_DEFAULT_INDEX": "https://uv.example"}
    assert installer.environment(both)["UV_DEFAULT_INDEX"] == "https://uv.example"
    assert "UV_DEFAULT_INDEX" not in installer.environment(ours | {"UV_INDEX_URL": "https://old.example"})


def test_an_image_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(NotFound, match="no image `trian`, choose from: deploy, text, train"):
        environments.lock("trian")


def test_the_python_that_was_asked_for_is_taken_or_refused_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    good = interpreter.find.__wrapped__()
    assert good.version.startswith("3.10.")
    monkeypatch.setenv("ERNIE_JOBS_PYTHON", str(good.path))
    assert interpreter.find.__wrapped__().origin == "$ERNIE_JOBS_PYTHON"
    monkeypatch.setenv("ERNIE_JOBS_PYTHON", "/bin/cat")
    with pytest.raises(BadInput, match=r"names /bin/cat, which is no working Python 3\.10"):
        interpreter.find.__wrapped__()


def test_without_a_fitting_python_the_ways_to_one_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ERNIE_JOBS_PYTHON", raising=False)
    monkeypatch.setattr(interpreter, "_candidates", lambda: iter([(Path("/bin/false"), "PATH")]))
    with pytest.raises(NotFound, match=r"uv python install 3\.10"):
        interpreter.find.__wrapped__()


def test_a_step_sees_components_and_the_science_but_not_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERNIE_JOBS_HOME", str(tmp_path))
    place = environments.code()
    assert sorted(p.name for p in place.iterdir()) == ["components", "ernie_core"]
    assert environments.code() == place
    names = ("components", "ernie_core", "jobs")
    program = f"from importlib.util import find_spec; print(*[find_spec(n) is not None for n in {names}])"
    command = [interpreter.find().path, "-c", program]
    done = subprocess.check_output(command, env={"PYTHONPATH": str(place)}, cwd=tmp_path, text=True)
    assert done.split() == ["True", "True", "False"]


@pytest.mark.install
@pytest.mark.parametrize("name", environments.images())
def test_the_real_images_build_and_work_here(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERNIE_JOBS_HOME", str(tmp_path))
    assert environments.build(name, say=print) == environments.python(name)


def wheel(folder: Path, name: str, code: str) -> str:
    """Write the smallest wheel; its hash."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_record(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    target = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def nothing_built(tmp_path: Path) -> bool:
    """No environment, and no rest of one."""
    return [p.name for p in (tmp_path / "home" / "environments").iterdir()] == [".tiny.lock"]


def _record(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

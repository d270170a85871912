"""What images are made from, what is said of them, and two of them really built and run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import components
from jobs.local import environments, interpreter

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "images"
NAMES = sorted(file.parent.name for file in IMAGES.glob("*/requirements.lock"))


def lock(name: str) -> dict[str, str]:
    """Package -> version, of an image."""
    text = (IMAGES / name / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def build(*names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run what `make images` runs."""
    drop = ("BASE", "BUILDER", "ALLOW_TAGS", "ENGINE", "BUILD_FLAGS", "RUN_FLAGS", "REGISTRY")
    env = {name: text for name, text in os.environ.items() if name not in drop} | environment
    return subprocess.run([IMAGES / "build", *names], capture_output=True, text=True, env=env)


def test_every_image_that_a_component_names_is_one_of_this_machine() -> None:
    assert {components.find(name).image for name in components.names()} == set(environments.images())


def test_make_images_builds_every_image_and_tries_it() -> None:
    (listed,) = re.findall(r"^all=\((.*)\)$", (IMAGES / "build").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed.split()) == NAMES
    assert [name for name in NAMES if not (IMAGES / name / "smoke.py").is_file()] == []


def test_what_reaches_the_store_is_the_same_version_everywhere() -> None:
    for package in ("pydantic", "boto3", "obstore"):
        assert len({lock(name)[package] for name in NAMES}) == 1, package


def test_the_image_for_gpus_differs_by_paddle_and_the_libraries_of_cuda_alone() -> None:
    cpu, gpu = lock("train"), lock("train-gpu")
    differing = {name for name in cpu.keys() | gpu.keys() if cpu.get(name) != gpu.get(name)}
    assert {name for name in differing if not name.startswith("nvidia-")} == {"paddlepaddle", "paddlepaddle-gpu"}
    assert gpu["paddlepaddle-gpu"] == cpu["paddlepaddle"]


@pytest.mark.parametrize("name", NAMES)
def test_the_bill_of_materials_names_every_package_with_its_hashes(name: str) -> None:
    command = [sys.executable, IMAGES / "sbom.py", name, "--version", "1.2.3", "--base", "python@sha256:12"]
    said = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert said[0] == said[1]
    bill = json.loads(said[0])
    base, *packages = bill["components"]
    assert base["name"] == "python@sha256:12"
    assert {row["name"]: row["version"] for row in packages} == lock(name)
    text = (IMAGES / name / "requirements.lock").read_text(encoding="utf-8")
    hashes = [digest["content"] for row in packages for file in row["externalReferences"] for digest in file["hashes"]]
    assert hashes == re.findall(r"--hash=sha256:(\w+)", text)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "BASE is not set: python:3.10-slim"),
        ({"BASE": "python:3.10-slim"}, "BASE=python:3.10-slim may be another image tomorrow: give it by digest"),
        ({"BASE": "p@sha256:1", "BUILDER": "python:3.10"}, "BUILDER=python:3.10 may be another image tomorrow"),
    ],
)
def test_a_base_without_a_digest_is_refused(environment: dict[str, str], said: str) -> None:
    done = build("launch", **environment)
    assert done.returncode == 2
    assert said in done.stderr


def test_an_image_that_is_not_there_is_named_with_those_that_are() -> None:
    done = build("trian", BASE="p@sha256:1", BUILDER="p@sha256:2")
    assert done.returncode == 2
    assert "no image `trian`, choose from: text train train-gpu deploy launch control" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_images_are_built_and_run_as_a_cluster_runs_them(tmp_path: Path) -> None:
    missing = [tool for tool in ("buildah", "debootstrap") if not shutil.which(tool)]
    if missing or os.geteuid():
        pytest.skip(f"needs root, buildah and debootstrap; missing: {', '.join(missing) or 'root'}")
    prefix = interpreter.find().path.resolve().parents[1]
    bases = subprocess.run([ROOT / "tests" / "images" / "bases", prefix], capture_output=True, text=True)
    assert bases.returncode == 0, bases.stderr
    given = dict(pair.split("=", 1) for pair in bases.stdout.split())
    certificates = {"BUILD_FLAGS": "--volume /etc/ssl/certs:/etc/ssl/certs:ro"} if "SSL_CERT_FILE" in os.environ else {}
    done = build("launch", "text", ENGINE="buildah", BUILDAH_ISOLATION="chroot", **given, **certificates)
    assert done.returncode == 0, done.stderr[-4000:]
    assert [line for line in done.stdout.splitlines() if re.match(r"(launch|text) 3\.10\.\d+ steps: ", line)] != []
    for name in ("launch", "text"):
        (reference,) = re.findall(rf"^\S+/{name}:\S+$", done.stdout, re.MULTILINE)[-1:]
        said = subprocess.run(["buildah", "inspect", "--type", "image", reference], check=True, capture_output=True)
        config = json.loads(said.stdout)["OCIv1"]["config"]
        assert config["User"] == "1000:1000"
        assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
        assert re.fullmatch("[0-9a-f]{40}(-dirty)?", config["Labels"]["org.opencontainers.image.revision"])
        assert not [line for line in config["Env"] if "CERT" in line or "INDEX" in line]

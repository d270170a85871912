"""Stores to test with: a folder, and a real S3 server."""

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ernie_core.store import Store, open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import servers


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment variables of an S3 server that runs as long as the tests."""
    with servers.seaweed(tmp_path_factory.mktemp("seaweed")) as (_, env):
        yield env


@pytest.fixture
def s3(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store on S3."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    return open_store(f"s3://{servers.BUCKET}/{uuid.uuid4().hex}")


@pytest.fixture(params=["posix", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Every promise of a store is checked on both kinds."""
    return request.getfixturevalue("s3") if request.param == "s3" else open_store(tmp_path / "store")

"""A real cluster, named by the environment: Kubernetes, the training operator, Kubeflow Pipelines, an object store.

Nothing here makes one; docs/development.md says what it must be. What tests need in its namespace is made here.
"""

import os
import shlex
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import helm as helms
import pytest
import yaml
from machines import Machine

from components.launch.kube import Kube, connect
from components.launch.observation import Refusal
from ernie_core.store import Store, open_store
from jobs.spec import site as sites
from jobs.spec.cluster import Cluster

CHART = Path(__file__).parents[2] / "charts" / "ernie-jobs"
NEEDED = ("KUBECONFIG", "KF_PIPELINES_ENDPOINT", "ERNIE_JOBS_SITE")
KFP_SECRET = "mlpipeline-minio-artifact"
"""As every installation of Kubeflow Pipelines names the credentials of its object store."""
Helm = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_pycollect_makemodule() -> None:
    """Without a cluster the whole folder is skipped, in one line."""
    if missing := [name for name in NEEDED if not os.environ.get(name)]:
        pytest.skip(f"needs a cluster, see docs/development.md: {', '.join(missing)} not set")


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """What the site file says of it."""
    found = sites.read(Path(os.environ["ERNIE_JOBS_SITE"])).cluster
    assert found and found.store, "the site file has no `cluster:` with a `store:`"
    return found


@pytest.fixture(scope="session")
def kube(cluster: Cluster) -> Kube:
    """Its API, in the namespace of runs."""
    return connect(cluster.namespace)


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Run helm on the cluster; a code other than 0 must be asked for."""
    tool = helms.program(tmp_path_factory.mktemp("package"))
    own = {f"HELM_{kind}_HOME": str(tmp_path_factory.mktemp("helm")) for kind in ("CACHE", "CONFIG", "DATA")}

    def run(*words: str | Path, code: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run([tool, *words], capture_output=True, text=True, env={**os.environ, **own}, timeout=120)
        assert done.returncode == code, f"helm {words[0]}: {done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session", autouse=True)
def installed(cluster: Cluster, kube: Kube, helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The chart in the namespace of runs, with the secrets that it refers to."""
    for name, keys in cluster.secrets.items():
        _secret(kube, name, {key: os.environ[key] for key in keys})
    _secret(kube, KFP_SECRET, {"accesskey": os.environ["AWS_ACCESS_KEY_ID"],
                               "secretkey": os.environ["AWS_SECRET_ACCESS_KEY"]})  # fmt: skip
    file = tmp_path_factory.mktemp("chart") / "values.yaml"
    file.write_text(yaml.safe_dump(_values(cluster, kube)), encoding="utf-8")
    helm("upgrade", "--install", "ernie-jobs", CHART, "--namespace", cluster.namespace, "-f", file)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A user's machine: a folder with a corpus, and the command line with a home of its own."""
    made = Machine(tmp_path, tmp_path / "home")
    made.corpus()
    return made


@pytest.fixture
def kfp(machine: Machine) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command there, `kfp("status", check=4)`; it must end with the code `check` within `seconds`."""
    return machine.kfp


@pytest.fixture
def store(cluster: Cluster) -> Iterator[Store]:
    """A store of the test's own, for specs to name: `store.url`."""
    made = open_store(f"{cluster.store}/{uuid.uuid4().hex[:12]}")
    yield made
    for entry in list(made.list()):
        made.delete(entry.key)


@pytest.fixture
def restart_api() -> Callable[[], None]:
    """Stop the API server, for seconds, and start it again."""
    return _disturbance("ERNIE_TEST_RESTART_API")


@pytest.fixture
def stop_store() -> Callable[[], None]:
    """Stop the object store, for seconds, and start it again."""
    return _disturbance("ERNIE_TEST_STOP_STORE")


@pytest.fixture
def lose_node() -> Callable[[str], None]:
    """Take the power from a node, by its name, for a minute and a half: its pods are given up in that time."""
    lose, back = _disturbance("ERNIE_TEST_LOSE_NODE"), _disturbance("ERNIE_TEST_RETURN_NODE")

    def cut(name: str) -> None:
        lose(name)
        try:
            time.sleep(90)
        finally:
            back(name)

    return cut


def _disturbance(variable: str) -> Callable[..., None]:
    """What only the owner of a cluster can do to it, by a command that the environment names."""
    if not os.environ.get(variable):
        pytest.skip(f"needs a command in {variable}, see docs/development.md")

    def cause(*words: str) -> None:
        command = [*shlex.split(os.environ[variable]), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{variable}: {done.stdout}\n{done.stderr}"

    return cause


def _secret(kube: Kube, name: str, values: dict[str, str]) -> None:
    """Make one, unless it is there: then it is the owner's."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    try:
        kube.create(f"/api/v1/namespaces/{kube.namespace}/secrets", body)
    except Refusal as refusal:
        if refusal.status != 409:
            raise


def _values(cluster: Cluster, kube: Kube) -> dict[str, Any]:
    """Of the chart, from the site file."""
    (secret, keys), *_ = [*cluster.secrets.items(), ("", ())]
    made = kube.find(f"/api/v1/namespaces/{kube.namespace}/configmaps/kfp-launcher")
    labels = made["metadata"].get("labels", {}) if made else {"app.kubernetes.io/managed-by": "Helm"}
    return {
        "serviceAccount": {"name": cluster.service_account},
        "store": {
            "url": cluster.store,
            "endpoint": os.environ.get("AWS_ENDPOINT_URL_S3", ""),
            "region": os.environ.get("AWS_REGION", ""),
            "secret": {"name": secret, "keys": list(keys)},
        },
        "kfpLauncher": {
            # The installation of Kubeflow Pipelines may have brought its own.
            "enabled": labels.get("app.kubernetes.io/managed-by") == "Helm",
            "pipelineRoot": f"{cluster.store}-kfp",
            "secret": {"name": KFP_SECRET, "accessKey": "accesskey", "secretKey": "secretkey"},
        },
    }

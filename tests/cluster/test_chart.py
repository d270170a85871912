"""The chart on a real cluster: what it installs, what its account may do, and its sweep; in a namespace of its own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from machines import wait_for

from components.launch.backend import WORK
from components.launch.kube import Kube, connect, open_api
from components.launch.observation import Refusal
from components.launch.rights import RIGHTS
from jobs.spec.cluster import Cluster

CHART = Path(__file__).parents[2] / "charts" / "ernie-jobs"
KUBEFLOW = {
    ("argoproj.io", "workflowtaskresults"): ("create", "patch"),
    ("", "configmaps", "kfp-launcher"): ("get",),
    ("", "secrets", "store-keys"): ("get",),
}
"""What Kubeflow's own part of each step calls."""
VALUES: dict[str, Any] = {
    "kfpLauncher": {"enabled": True, "pipelineRoot": "s3://ernie/kfp", "secret": {"name": "store-keys"}},
    "networkPolicy": {"enabled": True, "egress": [{"cidr": "10.0.0.1/32", "ports": [443]}]},
    "gc": {"enabled": True},
}
FOREIGN = {
    "kueue.enabled": "kueue.x-k8s.io",
    "podMonitor.enabled": "monitoring.coreos.com",
    "alerts.enabled": "monitoring.coreos.com",
}
"""Settings that need what another project brings."""
Helm = Callable[..., Any]
Object = dict[str, Any]


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Kube]:
    """A namespace that lets no pod in that is not restricted."""
    made = connect(f"ernie-chart-{uuid.uuid4().hex[:8]}")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    made.create("/api/v1/namespaces", {"metadata": {"name": made.namespace, "labels": labels}})
    yield made
    made.delete(f"/api/v1/namespaces/{made.namespace}")


@pytest.fixture(scope="module")
def values(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A values file with the image of this cluster."""
    name, _, digest = cluster.images["launch"].rpartition("@")
    registry, _, repository = (name or f"{cluster.registry}/launch").rpartition("/")
    image = {"registry": registry, "repository": repository, "digest": digest}
    file = tmp_path_factory.mktemp("values") / "values.yaml"
    file.write_text(yaml.safe_dump({**VALUES, "gc": {"enabled": True, "image": image}}), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def release(space: Kube, values: Path, helm: Helm) -> str:
    """The chart, installed; all objects are named by it."""
    helm("install", "jobs", CHART, "--namespace", space.namespace, "-f", values)
    return "jobs"


@pytest.fixture(scope="module")
def account(space: Kube, release: str) -> Kube:
    """The cluster as pods of runs see it, with the token of their account."""
    path = f"/api/v1/namespaces/{space.namespace}/serviceaccounts/{release}/token"
    token = space.create(path, {"spec": {"expirationSeconds": 3600}})["status"]["token"]
    settings = client.Configuration()
    config.load_kube_config(client_configuration=settings)
    settings.cert_file = settings.key_file = None
    settings.api_key = {"authorization": f"Bearer {token}"}
    return Kube(open_api(settings), space.namespace)


def test_the_account_may_do_what_the_code_calls_and_nothing_else(account: Kube) -> None:
    asked = {"spec": {"namespace": account.namespace}}
    said = account.create("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", asked)["status"]
    assert not said.get("incomplete"), said
    allowed: dict[tuple[str, ...], set[str]] = {}
    for rule in said["resourceRules"]:
        for group in rule["apiGroups"]:
            if group in ("authorization.k8s.io", "authentication.k8s.io"):
                continue  # everyone may ask what he may do
            for resource in rule["resources"]:
                allowed.setdefault((group, resource, *rule.get("resourceNames", ())), set()).update(rule["verbs"])
    assert allowed == {right: set(verbs) for right, verbs in {**RIGHTS, **KUBEFLOW}.items()}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/namespaces/{own}/secrets", None),
        ("GET", "/api/v1/namespaces/{own}/secrets/other", None),
        ("GET", "/api/v1/namespaces/{own}/configmaps/other", None),
        ("POST", "/api/v1/namespaces/{own}/pods", {"metadata": {"name": "own"}}),
        ("GET", "/api/v1/namespaces/{own}/pods/some/exec", None),
        ("POST", "/api/v1/namespaces/{own}/serviceaccounts/jobs/token", {"spec": {}}),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/{own}/rolebindings", {"metadata": {"name": "own"}}),
        ("GET", "/api/v1/namespaces/kube-system/pods", None),
        ("GET", "/apis/batch/v1/jobs", None),
        ("GET", "/api/v1/nodes", None),
    ],
)
def test_what_an_intruder_would_try_is_forbidden(account: Kube, method: str, path: str, body: Object | None) -> None:
    path = path.format(own=account.namespace)
    with pytest.raises(Refusal) as refused:
        account.create(path, body) if body else account.read(path)
    assert refused.value.status == 403


def test_the_sweep_runs_once_to_its_end_and_removes_what_nobody_looks_after(space: Kube, release: str) -> None:
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{space.namespace}/leases"
    for name, renewed in ("left", "2020-01-01T00:00:00.000000Z"), ("held", "2120-01-01T00:00:00.000000Z"):
        meta = {"name": f"ernie-{name}", "labels": {WORK: name}}
        space.create(leases, {"metadata": meta, "spec": {"holderIdentity": name, "renewTime": renewed}})
    batch = f"/apis/batch/v1/namespaces/{space.namespace}"
    template = space.read(f"{batch}/cronjobs/{release}-gc")["spec"]["jobTemplate"]
    space.create(f"{batch}/jobs", {"metadata": {"name": "now"}, "spec": template["spec"]})
    status = wait_for(lambda: _ended(space.read(f"{batch}/jobs/now")["status"]))
    assert status.get("succeeded") == 1, _why(space)
    assert space.find(f"{leases}/ernie-left") is None
    assert space.find(f"{leases}/ernie-held")


def test_an_upgrade_changes_what_its_values_change_and_uninstalling_leaves_nothing(
    space: Kube, values: Path, release: str, helm: Helm
) -> None:
    at = ("--namespace", space.namespace)
    before = {place: space.find(place) for place in _places(space, helm("get", "manifest", release, *at).stdout)}
    assert len(before) == 6
    assert all(before.values())
    changes = "gc.schedule=3 4 * * *,networkPolicy.enabled=false"
    helm("upgrade", release, CHART, *at, "-f", values, "--set", changes)
    after = {place: space.find(place) for place in before}
    (gone,) = [place for place in before if not after[place]]
    assert "/networkpolicies/" in gone
    changed = [place for place in before if after[place] and _generation(after[place]) != _generation(before[place])]
    assert [place.split("/")[-2] for place in changed] == ["cronjobs"]
    assert space.read(changed[0])["spec"]["schedule"] == "3 4 * * *"
    helm("uninstall", release, *at)
    wait_for(lambda: not any(space.find(place) for place in before), 60)


@pytest.mark.parametrize("name", sorted(file.stem for file in (CHART / "ci").glob("*.yaml")))
def test_the_cluster_accepts_every_object_of_every_example(space: Kube, name: str, helm: Helm) -> None:
    missing = [setting for setting, group in FOREIGN.items() if space.find(f"/apis/{group}") is None]
    off = [word for setting in missing for word in ("--set", f"{setting}=false")]
    file = CHART / "ci" / f"{name}.yaml"
    text = helm(
        "template", "example", CHART, "--namespace", space.namespace, "--dry-run=server", "-f", file, *off
    ).stdout
    objects = [found for found in yaml.safe_load_all(text) if found]
    assert objects
    for found in objects:
        folder = _folder(space, found)
        made = space.create(f"{folder}?dryRun=All&fieldValidation=Strict", found)
        assert made["metadata"]["uid"]
        assert space.find(f"{folder}/{found['metadata']['name']}") is None


def _ended(status: Object) -> Object | None:
    return status if status.get("succeeded") or status.get("failed") else None


def _why(space: Kube) -> object:
    pods = f"/api/v1/namespaces/{space.namespace}/pods"
    return [list(space.log(pod["metadata"]["name"], "gc")) for pod in space.read(pods)["items"]]


def _generation(found: Object | None) -> object:
    """What changes with the object itself and not with its status."""
    assert found
    return found["metadata"].get("generation", found.get("data") or found.get("rules"))


def _places(kube: Kube, manifest: str) -> list[str]:
    return [f"{_folder(kube, found)}/{found['metadata']['name']}" for found in yaml.safe_load_all(manifest) if found]


def _folder(kube: Kube, found: Object) -> str:
    """Where objects of this kind are, as the cluster itself says."""
    version = found["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    (kind,) = [row for row in kube.read(root)["resources"] if row["kind"] == found["kind"] and "/" not in row["name"]]
    return f"{root}/namespaces/{kube.namespace}/{kind['name']}" if kind["namespaced"] else f"{root}/{kind['name']}"

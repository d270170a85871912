"""The chart, rendered by the real helm: golden files, rights, privileges, and what it refuses."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from components.launch.rights import RIGHTS
from jobs.spec.cluster import Cluster, contradictions

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "ernie-jobs"
GOLDEN = ROOT / "tests" / "golden" / "chart"
VALUES = sorted(file.stem for file in (CHART / "ci").glob("*.yaml"))
THIRD = ("kueue.x-k8s.io/v1beta2", "monitoring.coreos.com/v1")
KUBEFLOW = {
    ("argoproj.io", "workflowtaskresults"): ("create", "patch"),
    ("", "configmaps", "kfp-launcher"): ("get",),
    ("", "secrets", "store-keys"): ("get",),
}
"""What Kubeflow's own part of each step calls: one missing, and the step fails."""
Object = dict[str, Any]


def render(helm: Path, *arguments: str, apis: tuple[str, ...] = THIRD) -> list[Object]:
    """The objects that an installation would make."""
    extra = [word for api in apis for word in ("--api-versions", api)]
    text = run(helm, "template", "ernie", CHART, "--namespace", "jobs", *extra, *arguments).stdout
    return [found for found in yaml.safe_load_all(text) if found]


def run(helm: Path, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run helm, away from any cluster."""
    done = subprocess.run(
        [helm, *arguments], capture_output=True, text=True, env={"KUBECONFIG": "/nowhere", "HOME": "/nowhere"}
    )
    assert done.returncode == code, done.stderr
    return done


def everything(helm: Path) -> list[Object]:
    """All there is."""
    return render(helm, "-f", str(CHART / "ci" / "all.yaml"))


def pods(objects: list[Object]) -> Iterator[Object]:
    """The specs of all pods."""
    for found in objects:
        spec = found["spec"] if found["kind"] in ("Deployment", "CronJob") else {}
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if spec:
            yield spec["template"]["spec"]


def words(value: object) -> object:
    """The same with every number as text: a quantity may be either."""
    if isinstance(value, dict):
        return {key: words(item) for key, item in value.items()}
    return [words(item) for item in value] if isinstance(value, list) else str(value)


@pytest.mark.parametrize("name", [None, *VALUES])
def test_helm_lint_has_nothing_to_say(helm: Path, name: str | None) -> None:
    values = ["-f", str(CHART / "ci" / f"{name}.yaml")] if name else []
    assert "0 chart(s) failed" in run(helm, "lint", CHART, "--strict", *values).stdout


@pytest.mark.parametrize("name", VALUES)
def test_what_is_rendered_is_what_was_reviewed(helm: Path, name: str, pytestconfig: pytest.Config) -> None:
    objects = render(helm, "-f", str(CHART / "ci" / f"{name}.yaml"))
    text = yaml.safe_dump_all(objects, sort_keys=True, width=120)
    golden = GOLDEN / f"{name}.yaml"
    if pytestconfig.getoption("--update-golden"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), "look at the difference, then `pytest --update-golden`"


def test_the_role_is_what_the_code_calls_and_what_kubeflow_calls(helm: Path) -> None:
    (role,) = [found for found in everything(helm) if found["kind"] == "Role"]
    allowed = {}
    for rule in role["rules"]:
        (group,), (resource,) = rule["apiGroups"], rule["resources"]
        allowed[(group, resource, *rule.get("resourceNames", ()))] = tuple(sorted(rule["verbs"]))
    assert allowed == {**RIGHTS, **KUBEFLOW}


def test_every_object_has_only_fields_that_kubernetes_knows(helm: Path) -> None:
    api, own = client.ApiClient(), 0
    for found in everything(helm):
        version = found["apiVersion"].rpartition("/")[2].capitalize()
        model = getattr(client, version + found["kind"], None)
        if "x-k8s.io" in found["apiVersion"] or "coreos" in found["apiVersion"]:
            continue
        assert model, f"{found['apiVersion']} {found['kind']} is no kind of Kubernetes"
        read = api._ApiClient__deserialize(found, model)
        assert words(api.sanitize_for_serialization(read)) == words(found)
        own += 1
    assert own > 10


def test_no_pod_has_privileges_and_every_image_has_a_digest(helm: Path) -> None:
    specs = list(pods(everything(helm)))
    assert len(specs) == 3
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            assert re.search(r"@sha256:[0-9a-f]{64}$", container["image"])
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            }  # fmt: skip


def test_only_gc_talks_to_the_api(helm: Path) -> None:
    with_token = [
        s["containers"][0]["name"] for s in pods(everything(helm)) if s.get("automountServiceAccountToken", 1)
    ]
    assert with_token == ["gc"]


def test_no_credential_is_written_anywhere(helm: Path) -> None:
    objects = everything(helm)
    assert not [found for found in objects if found["kind"] == "Secret"]
    values = [env for spec in pods(objects) for c in spec.get("initContainers", ()) for env in c["env"]]
    secret = [env for env in values if "KEY" in env["name"]]
    assert len(secret) == 2
    assert all(set(env) == {"name", "valueFrom"} for env in secret)


def test_the_notes_hold_a_site_file_that_is_right(helm: Path) -> None:
    off = ["--set", "kueue.enabled=false,podMonitor.enabled=false,alerts.enabled=false"]
    text = run(
        helm, "install", "ernie", CHART, "-n", "jobs", "--dry-run=client", "-f", CHART / "ci/all.yaml", *off
    ).stdout
    block = re.search(r"^cluster:\n(?:  .*\n)+", text, re.MULTILINE)
    assert block, text
    cluster = Cluster.model_validate(yaml.safe_load(block.group())["cluster"])
    assert contradictions(cluster) == []
    assert (cluster.namespace, cluster.service_account) == ("jobs", "runner")
    assert cluster.secrets == {"store-keys": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    assert [(v.claim, v.path) for v in cluster.volumes] == [("ernie-nfs", "/store")]
    claims = [o["metadata"]["name"] for o in everything(helm) if o["kind"] == "PersistentVolumeClaim"]
    assert claims == ["ernie-nfs"]


def test_by_default_there_is_an_account_with_its_rights_and_nothing_else(helm: Path) -> None:
    assert sorted(found["kind"] for found in render(helm, apis=())) == ["Role", "RoleBinding", "ServiceAccount"]


def test_two_releases_of_one_namespace_share_no_object(helm: Path) -> None:
    values = [
        "-f",
        str(CHART / "ci" / "all.yaml"),
        "--set",
        "kfpLauncher.enabled=false,serviceAccount.name=,kueue.queue=q",
    ]
    names = [
        {(o["kind"], o["metadata"]["name"]) for o in render(helm, *values, "--set", f"fullnameOverride={name}")}
        for name in ("one", "two")
    ]
    assert names[0] & names[1] == {("LocalQueue", "q")}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("gc.enabld=true", "additional properties 'enabld' not allowed"),
        ("nfs.enabled=true", "at '/nfs/server'"),
        ("networkPolicy.enabled=true", "at '/networkPolicy/egress'"),
        ("kfpLauncher.enabled=true", "at '/kfpLauncher/pipelineRoot'"),
        ("serving.enabled=true", "at '/store/url'"),
        ("gc.enabled=true", "gc.image.digest: name the image by digest"),
        ("gc.image.digest=sha256:12", "at '/gc/image/digest'"),
        ("kueue.enabled=true", "kueue.enabled is on, but the cluster has no kueue.x-k8s.io"),
        ("alerts.enabled=true", "but the cluster has no monitoring.coreos.com/v1"),
        ("store.url=ftp://there", "at '/store/url'"),
    ],
)
def test_wrong_values_are_refused_with_their_place(helm: Path, setting: str, said: str) -> None:
    assert said in run(helm, "template", "ernie", CHART, "--set", setting, code=1).stderr


def test_a_viewer_without_a_volume_is_refused(helm: Path) -> None:
    image = "viewer.image.repository=v,viewer.image.digest=sha256:" + "0" * 64
    done = run(helm, "template", "ernie", CHART, "--set", f"viewer.enabled=true,{image}", code=1)
    assert "viewer.claim: of which volume are the curves?" in done.stderr

"""Site files: what a platform team says of its cluster, checked like a spec."""

from pathlib import Path

import pytest

from jobs.spec import site
from jobs.spec.problems import SpecError

DIGEST = "sha256:" + 64 * "0"
LEAST = "cluster:\n  namespace: kubeflow\n  service_account: ernie-jobs\n"


def load(folder: Path, text: str) -> site.Site:
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    return site.read(folder / "site.yaml")


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_a_cluster_needs_a_namespace_and_a_service_account_and_no_more(tmp_path: Path) -> None:
    cluster = load(tmp_path, LEAST).cluster
    assert cluster and (cluster.namespace, cluster.service_account) == ("kubeflow", "ernie-jobs")
    assert [line.partition(": is required")[0] for line in problems(tmp_path, "cluster: {}\n")] == [
        "site.yaml:1: cluster.namespace", "site.yaml:1: cluster.service_account",
    ]  # fmt: skip


def test_all_that_is_wrong_is_said_at_once_with_line_and_remedy(tmp_path: Path) -> None:
    text = LEAST + (
        "  endpoin: http://x\n  images: {text: 'a b'}\n  launcher: {memory: 3Foo}\n"
        "  volumes: [{claim: a, path: rel}]\n  tolerations: [{effekt: NoExecute}]\n"
    )
    assert problems(tmp_path, text) == [
        "site.yaml:4: cluster.endpoin: unknown key, did you mean `endpoint`?",
        "site.yaml:5: cluster.images.text: `a b` is not an image, write `sha256:...` or `host/name@sha256:...`",
        "site.yaml:6: cluster.launcher.memory: `3Foo` is not a size such as 500MB or 10GiB",
        "site.yaml:7: cluster.volumes.0.path: `rel` is not allowed: Absolute mount path in the pods; a store or an "
        "input below it is on the volume",
        "site.yaml:8: cluster.tolerations.0.effekt: unknown key, did you mean `effect`?",
    ]


def test_an_image_by_tag_may_change_and_is_refused_unless_that_is_wanted(tmp_path: Path) -> None:
    images = "  images: {text: 'host/text:1.2', train: 'host:5000/train'}\n"
    assert problems(tmp_path, LEAST + images) == [
        "site.yaml:4: cluster.images.text: `host/text:1.2` may mean another image tomorrow, name it by digest: "
        "`host/text@sha256:...` (or `allow_tags: true`)",
        "site.yaml:4: cluster.images.train: `host:5000/train` may mean another image tomorrow, name it by digest: "
        "`host:5000/train@sha256:...` (or `allow_tags: true`)",
    ]
    cluster = load(tmp_path, LEAST + images + "  allow_tags: true\n").cluster
    assert cluster and cluster.images["text"] == "host/text:1.2"


def test_a_digest_alone_needs_a_registry(tmp_path: Path) -> None:
    images = f"  images: {{text: '{DIGEST}'}}\n"
    assert problems(tmp_path, LEAST + images) == [
        "site.yaml:4: cluster.images.text: `sha256:0000000...` is in which registry? add `registry: host/name`"
    ]
    assert load(tmp_path, LEAST + images + "  registry: host:5000/ernie\n").cluster


@pytest.mark.parametrize("mistake", ["AKIAsecret", "{key: AKIAsecret}", "[AKIA/secret]", "3"])
def test_a_secret_that_stands_in_the_file_is_not_repeated(tmp_path: Path, mistake: str) -> None:
    [said] = problems(tmp_path, LEAST + f"  secrets: {{AWS_SECRET_ACCESS_KEY: {mistake}}}\n")
    assert said.startswith("site.yaml:4: cluster.secrets.AWS_SECRET_ACCESS_KEY: a ")
    assert "AKIA" not in said


def test_a_variable_that_two_secrets_have_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, LEAST + "  secrets: {a: [TOKEN], b: [TOKEN]}\n") == [
        "site.yaml:4: cluster.secrets.b: `TOKEN` is also a key of `a`, which of them counts?"
    ]


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("priority_class", "KFP drops it silently; an administrator can set it for all runs"),
        ("init_containers", "KFP drops it silently"),
        ("shared_memory", "leave it out: /dev/shm of every step is memory"),
        ("security_context", "leave it out: every step runs as user 1000"),
        ("image_pull_secrets", "belongs to the service account"),
    ],
)
def test_what_kfp_would_drop_without_a_word_is_refused_with_the_remedy(tmp_path: Path, key: str, remedy: str) -> None:
    [said] = problems(tmp_path, f"{LEAST}  {key}: x\n")
    assert said.startswith(f"site.yaml:4: cluster.{key}: {remedy}")


def test_a_store_in_a_folder_must_be_on_a_volume(tmp_path: Path) -> None:
    assert problems(tmp_path, LEAST + "  store: /mnt/ernie/store\n") == [
        "site.yaml:4: cluster.store: `/mnt/ernie/store` is on no volume, name one below `volumes`, or s3://bucket/prefix"
    ]
    volumes = "  volumes: [{claim: nfs, path: /mnt/ernie}]\n"
    cluster = load(tmp_path, LEAST + "  store: /mnt/ernie/store\n" + volumes).cluster
    assert cluster and cluster.holds("file:///mnt/ernie/a%20b") and not cluster.holds("/mnt/ernie/../home")
    assert not cluster.holds("/mnt/erniebert")


def test_a_run_on_the_cluster_keeps_a_store_that_pods_can_reach(tmp_path: Path) -> None:
    text = LEAST + "  store: s3://ernie/store\n  volumes: [{claim: nfs, path: /mnt}]\n"
    found = load(tmp_path, text)
    stores = {"s3://own/store": "s3://own/store", "/mnt/store": "/mnt/store", "/home/me": "s3://ernie/store"}
    assert {store: site.cluster_store(store, found) for store in stores} == stores

"""The mirror and the proxy of a site: checked, and known to the steps that download and to no other."""

import json
import os
from pathlib import Path

import pytest
from pipelines import SITE, Cluster, container

from jobs.spec import site
from jobs.spec.problems import SpecError

SPEC = """\
version: 1
name: demo
store: s3://ernie/store
inputs:
  mine: {text: s3://corpora/mine/*.txt}
steps:
  - pretrained: {name: ernie-3.0-base-zh}
  - dataset: {name: msra_ner, dev: 10%}
  - segment:
"""
OUTSIDE = ("ERNIE_JOBS_MIRROR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


def environment(text: str, step: str) -> dict[str, str]:
    return {row["name"]: row["value"] for row in container(text, step)["env"] if row["name"] in OUTSIDE}


def read(folder: Path, text: str) -> site.Site:
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    return site.read(folder / "site.yaml")


def refused(folder: Path, text: str) -> str:
    with pytest.raises(SpecError) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("https://host/ernie/", "https://host/ernie"), ("s3://bucket/ernie/", "s3://bucket/ernie"),
        ("m", "{folder}/m"), ("/data/m", "/data/m"), ("file:///data/m", "file:///data/m"),
    ],
)  # fmt: skip
def test_a_mirror_is_a_server_a_bucket_or_a_folder(tmp_path: Path, given: str, known: str) -> None:
    found = site.environment(read(tmp_path, f"mirror: {given}\n"))
    assert found["ERNIE_JOBS_MIRROR"] == known.format(folder=tmp_path)


def test_what_a_person_exported_counts_before_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERNIE_JOBS_MIRROR", "/mine")
    assert "ERNIE_JOBS_MIRROR" not in site.environment(read(tmp_path, "mirror: m\n"))


@pytest.mark.parametrize("given", ["ftp://host/m", "https://me:secret@host/m", "https://host/m?token=x", "s3:///m"])
def test_what_is_no_mirror_or_holds_a_secret_is_refused(tmp_path: Path, given: str) -> None:
    said = refused(tmp_path, f"mirror: {given}\n")
    assert said.startswith("site.yaml:1: mirror: ") and "secret" not in said


def test_pods_that_download_learn_of_mirror_and_proxy_and_others_do_not(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    plain = cluster.package(SPEC)
    cluster.site(
        "mirror: https://mirror.example.com/ernie/\n"
        + SITE
        + '  proxy: {url: "http://proxy.example.com:3128", no_proxy: ".svc"}\n'
    )
    package = cluster.package(SPEC)
    outside = {"ERNIE_JOBS_MIRROR": "https://mirror.example.com/ernie", "HTTPS_PROXY": "http://proxy.example.com:3128",
               "HTTP_PROXY": "http://proxy.example.com:3128", "NO_PROXY": ".svc"}  # fmt: skip
    assert environment(package.text, "pretrained") == environment(package.text, "dataset") == outside
    assert environment(package.text, "segment") == {}
    assert package.work == plain.work
    tasks = [json.loads(container(each.text, "pretrained")["args"][1]) for each in (plain, package)]
    assert tasks[0] == tasks[1]


def test_the_mirror_of_pods_may_be_another(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.site("mirror: /data/mirror\n" + SITE + "  mirror: s3://ernie/mirror\n")
    assert environment(cluster.package(SPEC).text, "dataset") == {"ERNIE_JOBS_MIRROR": "s3://ernie/mirror"}


def test_a_folder_of_this_machine_is_no_mirror_of_pods(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.site("mirror: /data/mirror\n" + SITE)
    with pytest.raises(SpecError) as caught:
        cluster.package(SPEC)
    assert "`pretrained` downloads, but the mirror `/data/mirror` is on no volume of the cluster" in str(caught.value)
    cluster.site("mirror: /data/mirror\n" + SITE + "  volumes: [{claim: data, path: /data}]\n")
    assert environment(cluster.package(SPEC).text, "dataset") == {"ERNIE_JOBS_MIRROR": "/data/mirror"}


def test_a_proxy_with_a_password_belongs_into_a_secret(tmp_path: Path) -> None:
    said = refused(tmp_path, SITE + '  proxy: {url: "http://me:secret@proxy:3128"}\n')
    assert "is a secret with the key HTTPS_PROXY" in said and "me:" not in said


def test_no_variable_of_this_machine_gets_into_a_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HTTPS_PROXY", "http://here:1")
    monkeypatch.setitem(os.environ, "HF_TOKEN", "hf_secret")
    text = Cluster(tmp_path).package(SPEC).text
    assert "http://here:1" not in text and "hf_secret" not in text

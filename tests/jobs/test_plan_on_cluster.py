"""`kfp plan --on cluster`: what would be submitted, without a cluster."""

import yaml
from machines import Machine
from pipelines import SITE

STEPS = "  - segment: {shards: 3}\n"


def prepare(machine: Machine) -> None:
    """A corpus and a store on a volume."""
    volume = f"  volumes: [{{claim: nfs, path: {machine.folder}}}]\n"
    site = SITE.replace("  queue:", volume + "  queue:")
    (machine.folder / "site.yaml").write_text(site, encoding="utf-8")
    machine.spec(STEPS)


def test_it_prints_all_that_would_be_submitted_the_same_each_time(machine: Machine) -> None:
    prepare(machine)
    done = machine.kfp("plan", "demo.yaml", "--on", "cluster", "-o", "yaml")
    spec, platform, *objects = yaml.safe_load_all(done.stdout)
    assert spec["pipelineInfo"]["name"] == "demo" and "kubernetes" in platform["platforms"]
    assert [row["kind"] for row in objects] == ["Job", "Job"], "the shards, and what joins them"
    assert machine.kfp("plan", "demo.yaml", "-o", "yaml").stdout == done.stdout


def test_what_a_cluster_cannot_reach_is_a_wrong_spec(machine: Machine) -> None:
    machine.spec(STEPS)
    (machine.folder / "site.yaml").write_text(SITE.replace("  store: s3://ernie/store\n", ""), encoding="utf-8")
    done = machine.kfp("plan", "demo.yaml", "-o", "yaml", check=2)
    assert "demo.yaml:3: store: `file://" in done.stderr and "set `cluster.store` in the site file" in done.stderr
    assert "demo.yaml:5: inputs.mine.text: `file://" in done.stderr and "put it on one, or on s3://" in done.stderr
    assert done.stdout == ""


def test_without_yaml_it_is_a_plan_like_any_other(machine: Machine) -> None:
    prepare(machine)
    shown = machine.kfp("plan", "demo.yaml", "--on", "cluster").stdout
    assert shown.startswith("demo on cluster http://ml-pipeline.kubeflow.svc:8888: chosen with --on cluster\n")


def test_a_plan_for_this_machine_has_no_pipeline(machine: Machine) -> None:
    machine.spec(STEPS)
    done = machine.kfp("plan", "demo.yaml", "--on", "local", "-o", "yaml", check=2)
    assert "-o yaml shows what a cluster would be given" in done.stderr

"""A plan as a Kubeflow pipeline: golden files, what every pipeline must hold, what is left out, what is refused."""

import json
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2
from pipelines import LARGE, SITE, SWEEP, Cluster, container, read, settings, tasks

from components.contract.kinds import Kind, Report, Text
from components.contract.task import Task
from components.runtime import inputs
from components.runtime import sweep as sweeps
from ernie_core.errors import BadInput, Error, Refused
from ernie_core.store import artefact
from jobs.cluster import compile
from jobs.cluster.tasks import argument
from jobs.spec import fields
from jobs.spec.problems import SpecError

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"
SPECS = {
    "large": LARGE,
    "sweep": SWEEP,
    **{f.stem: f.read_text(encoding="utf-8") for f in sorted((ROOT / "specs").glob("*.yaml")) if f.stem != "clue_grid"},
}
SMALL = """\
version: 1
name: small
store: s3://ernie/store
inputs:
  mine: {text: s3://corpora/mine/*.txt}
steps:
  - segment:
  - vocab: {size: 29000}
"""
DOCUMENTS = [pytest.param(path, id=path.stem) for path in sorted(GOLDEN.glob("*.yaml"))]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def told(text: str, task: str) -> dict[str, Any]:
    """What the process of a task is told."""
    args = container(text, task)["args"]
    found: dict[str, Any] = json.loads(args[1])
    return found


def finish(cluster: Cluster, address: str, kind: str, scores: dict[str, float]) -> None:
    """As if a step had been made before."""
    folder = cluster.folder / "made" / address
    folder.mkdir(parents=True)
    (folder / "x").write_text("x")
    artefact.publish(cluster.store, address, folder, kind=kind, info={"scores": scores})


@pytest.mark.parametrize("name", SPECS)
def test_a_pipeline_is_that_of_the_golden_file(name: str, cluster: Cluster, request: pytest.FixtureRequest) -> None:
    package = cluster.package(SPECS[name], name=f"{name}.yaml")
    golden = GOLDEN / f"{name}.yaml"
    if request.config.getoption("--update-golden"):
        golden.write_text(compile.documents(package), encoding="utf-8")
    assert compile.documents(package) == golden.read_text(encoding="utf-8")


def test_the_grid_of_134_points_is_a_pipeline_that_a_cluster_accepts(cluster: Cluster) -> None:
    text = cluster.package((ROOT / "specs/clue_grid.yaml").read_text(encoding="utf-8")).text
    assert len(tasks(text)) == 21, "ten data sets, ten sweeps, the report"
    assert len(text) < 1 << 20, "etcd takes 1.5 MB"


def test_every_golden_file_is_of_a_spec() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(SPECS)


@pytest.mark.parametrize("golden", DOCUMENTS)
def test_the_pipeline_is_what_the_protocol_of_kfp_says(golden: Path) -> None:
    spec, platform = read(golden.read_text(encoding="utf-8"))
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict({"platforms": {"kubernetes": platform}}, pipeline_spec_pb2.PlatformSpec())
    for executor in platform["deploymentSpec"]["executors"].values():
        json_format.ParseDict(executor, kubernetes_executor_config_pb2.KubernetesExecutorConfig())


@pytest.mark.parametrize("golden", DOCUMENTS)
def test_every_task_is_tried_again_for_a_month_and_never_cached(golden: Path) -> None:
    for name, task in tasks(golden.read_text(encoding="utf-8")).items():
        policy = task["retryPolicy"]
        assert int(policy["backoffMaxDuration"].removesuffix("s")) >= 30 * 86400, name
        assert policy["backoffFactor"] == int(policy["backoffFactor"]), name
        assert policy["maxRetryCount"] > 0, name
        assert task["cachingOptions"] == {}, name


@pytest.mark.parametrize("golden", DOCUMENTS)
def test_every_pod_has_its_limits_and_no_privileges_and_an_image_by_digest(golden: Path) -> None:
    spec, platform = read(golden.read_text(encoding="utf-8"))
    for name, executor in spec["deploymentSpec"]["executors"].items():
        found = executor["container"]
        assert re.search(r"@sha256:[0-9a-f]{64}$", found["image"]), name
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= found["resources"].keys(), name
        told = platform["deploymentSpec"]["executors"][name]
        assert told["securityContext"] == {"runAsUser": "1000", "runAsGroup": "1000", "runAsNonRoot": True}, name
        assert "/scratch" in [mount["mountPath"] for mount in told["emptyDirMounts"]], name
        lost = {row["key"]: row["tolerationSeconds"] for row in told["tolerations"] if row["effect"] == "NoExecute"}
        assert lost == {"node.kubernetes.io/not-ready": "30", "node.kubernetes.io/unreachable": "30"}, name


@pytest.mark.parametrize("golden", DOCUMENTS)
def test_nothing_in_a_pipeline_looks_like_a_variable_to_kubernetes_or_argo(golden: Path) -> None:
    spec, _ = read(golden.read_text(encoding="utf-8"))
    for executor in spec["deploymentSpec"]["executors"].values():
        ours = [arg for arg in executor["container"]["args"] if not re.fullmatch(r"\{\{\$.*\}\}", arg)]
        assert not [arg for arg in ours if "$" in arg or "{{" in arg]


@given(st.recursive(st.text() | st.sampled_from(["$(HOME)", "{{x}}", "}}}", "$$"]), lambda inner: st.lists(inner)))
def test_an_argument_says_the_same_without_what_others_would_expand(value: object) -> None:
    text = argument(value)
    assert json.loads(text) == value
    assert not re.search(r"\$|\{\{|\}\}", text)


def test_a_pipeline_is_the_same_in_another_process_with_another_hash_seed(cluster: Cluster) -> None:
    code = (
        "import sys, pathlib, pipelines; "
        "sys.stdout.write(pipelines.Cluster(pathlib.Path(sys.argv[1])).package(pipelines.LARGE).text)"
    )
    environment = {"PYTHONPATH": f"{ROOT / 'tests/support'}:{ROOT}", "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code, str(cluster.folder)],
                          capture_output=True, text=True, check=True, env=environment)  # fmt: skip
    assert done.stdout == cluster.package(LARGE).text


@pytest.mark.parametrize("golden", DOCUMENTS)
def test_no_pod_is_told_of_the_processor_that_the_pipeline_was_compiled_on(golden: Path) -> None:
    """It may run on any other; a process sees for itself (ernie_core/runtime.py)."""
    assert "OMP_NUM_THREADS" in golden.read_text() and "MKL_" not in golden.read_text()


def test_a_step_of_134_shards_is_one_task(cluster: Cluster) -> None:
    package = cluster.package(LARGE)
    assert len(tasks(package.text)) == LARGE.count("  - "), "one task a step"
    assert container(package.text, "wudao-words")["command"] == ["python", "-m", "components.launch"]
    assert (package.workloads["wudao_words"].kind, package.workloads["wudao_words"].count) == ("shards", 134)
    assert told(package.text, "wudao-words") == json.loads(json.dumps(package.workloads["wudao_words"].to_json()))
    assert container(package.text, "wudao-words")["resources"]["resourceMemoryLimit"] == "512Mi", "that of a launcher"


def test_a_training_on_several_machines_is_one_task_that_asks_for_their_gpus(cluster: Cluster) -> None:
    gang = cluster.package(LARGE).workloads["pretrain"]
    assert (gang.kind, gang.count, gang.gpus, gang.cpu, gang.memory) == ("gang", 4, 8, 32, 200 * 2**30)
    assert gang.image == "registry.example.com/ernie/train-gpu@sha256:" + 64 * "0"
    assert gang.node_selector == {"pool": "gpu"} and gang.queue == "ernie"
    assert [toleration["key"] for toleration in gang.tolerations] == ["batch", "nvidia.com/gpu"]
    task = Task.from_json(gang.task)
    assert (task.ranks, task.cpus, task.address) == (32, 4, "pretrain/" + task.fingerprint)


def test_a_plan_shows_what_the_launchers_create_too(cluster: Cluster) -> None:
    package = cluster.package(LARGE)
    _, _, *objects = yaml.safe_load_all(compile.documents(package))
    found = [(row["kind"], row["metadata"]["labels"]["ernie.io/step"]) for row in objects]
    assert found.count(("PaddleJob", "pretrain")) == 1
    assert {step for kind, step in found if kind == "Job"} == {"clue_words", "wudao_words", "clue_ids", "wudao_ids"}
    assert all(row["metadata"]["labels"].items() >= package.labels.items() for row in objects)


def test_a_step_of_one_process_is_its_own_command(cluster: Cluster) -> None:
    package = cluster.package(SMALL)
    assert package.workloads == {}
    found = container(package.text, "segment")
    assert found["command"] == ["python", "-m", "components", "segment"]
    assert [arg for arg in found["args"] if arg.startswith("--")] == ["--task", "--manifest", "--executor-input"]
    task = Task.from_json(told(package.text, "segment"))
    assert (task.store, task.job, task.run) == ("s3://ernie/store", "small", "20260131-120000-abcd")
    assert found["resources"]["resourceMemoryLimit"] == f"{2048 + 150}Mi", "room for what KFP runs beside it"
    assert {"medium": "Memory", "mountPath": "/dev/shm", "volumeName": "shm"} in settings(package.text, "segment")[
        "emptyDirMounts"
    ]


def test_what_is_done_is_left_out_and_read_from_the_store(cluster: Cluster) -> None:
    before = cluster.package(SMALL)
    address = told(before.text, "segment")["address"]
    finish(cluster, address, "words", {})
    after = cluster.package(SMALL)
    assert list(tasks(after.text)) == ["vocab"] and after.work == before.work
    assert told(after.text, "vocab")["inputs"]["words"][0]["address"] == address
    assert "dependentTasks" not in tasks(after.text)["vocab"]
    finish(cluster, told(after.text, "vocab")["address"], "vocab", {})
    with pytest.raises(Error, match="nothing to run"):
        cluster.package(SMALL)


def test_the_page_of_a_pipeline_shows_artefacts_by_their_type_and_scores(cluster: Cluster) -> None:
    spec, _ = read(cluster.package(SPECS["quickstart"]).text)
    made = {
        name.removeprefix("comp-"): {key: row["artifactType"]["schemaTitle"] for key, row in
                                     component["outputDefinitions"]["artifacts"].items()}
        for name, component in spec["components"].items()
    }  # fmt: skip
    assert made["vocab"] == {"vocab": "system.Dataset", "scores": "system.Metrics"}
    assert made["pretrain"]["model"] == made["package"]["package"] == "system.Model"
    assert made["evaluate"]["report"] == "system.Artifact"
    read_ = tasks(cluster.package(SPECS["quickstart"]).text)["pretrain"]["inputs"]["artifacts"]
    assert {name: row["taskOutputArtifact"]["producerTask"] for name, row in read_.items()} == {
        "ids": "ids", "vocab": "vocab",
    }  # fmt: skip


def test_a_kind_says_what_it_is_to_a_pipeline() -> None:
    with pytest.raises(Error, match=r"kind Lexicon does not say what it is to a pipeline, write `class Lexicon\(Kind"):
        types.new_class("Lexicon", (Kind,))
    with pytest.raises(Error, match=r"kind Lexicon is `Data` to a pipeline, .* with shown_as=\"Dataset\" or"):
        types.new_class("Lexicon", (Kind,), {"shown_as": "Data"})
    made = types.new_class("Lexicon", (Kind,), {"shown_as": "Dataset"})
    assert made.shown_as == "Dataset" and Text.shown_as == "Dataset" and Report.shown_as == "Artifact"
    with pytest.raises(Error, match=r"kind `lexicon` is not a class of components/contract/kinds\.py"):
        fields.kind("lexicon")


def test_a_gate_holds_back_every_later_step_and_the_step_itself_knows_it(cluster: Cluster) -> None:
    text = SPECS["quickstart"].replace("segment: {tool: jieba}", 'segment: {tool: jieba, require: {sentences: ">=10"}}')
    text = cluster.package(text).text
    assert all("segment" in task["dependentTasks"] for name, task in tasks(text).items() if name in ("finetune", "ids"))
    assert told(text, "segment")["require"] == {"sentences": ">=10.0"}


def test_a_gate_that_did_not_pass_is_refused(cluster: Cluster) -> None:
    gated = SMALL.replace("segment:", 'segment: {require: {sentences: ">=10"}}')
    finish(cluster, told(cluster.package(gated).text, "segment")["address"], "words", {"sentences": 3})
    with pytest.raises(Refused, match=r"step `segment` gate: sentences is 3, required is >= 10"):
        cluster.package(gated)


def test_secrets_are_named_and_never_told(cluster: Cluster) -> None:
    text = cluster.package(LARGE).text
    assert settings(text, "vocab")["secretAsEnv"][0]["secretName"] == "ernie-store"
    environment = [row["name"] for row in container(text, "vocab")["env"]]
    assert not [name for name in environment if re.search("KEY|SECRET|TOKEN", name)]
    assert cluster.package(LARGE).workloads["pretrain"].secrets == ("ernie-store",)


def test_a_store_on_a_volume_is_mounted_where_it_is_named(cluster: Cluster) -> None:
    cluster.site(SITE.replace("  queue:", "  volumes: [{claim: nfs, path: /mnt/ernie, sub_path: team}]\n  queue:"))
    package = cluster.package(LARGE.replace("s3://ernie/large", "/mnt/ernie/store"))
    mount = settings(package.text, "vocab")["pvcMount"][0]
    assert (mount["constant"], mount["mountPath"], mount["subPath"]) == ("nfs", "/mnt/ernie", "team")
    assert package.workloads["pretrain"].volumes == ({"claim": "nfs", "path": "/mnt/ernie", "sub_path": "team"},)
    assert told(package.text, "vocab")["store"] == "/mnt/ernie/store"


def test_a_spec_with_a_store_of_this_machine_takes_that_of_the_cluster(cluster: Cluster) -> None:
    assert told(cluster.package(SPECS["quickstart"]).text, "ids")["store"] == "s3://ernie/store"


def test_what_pods_cannot_reach_is_said_at_once_with_line_and_remedy(cluster: Cluster) -> None:
    cluster.site(
        SITE.replace("  store: s3://ernie/store\n", "").replace(", launch:", ", other:").replace("train-gpu", "t")
    )
    text = LARGE.replace("s3://ernie/large", "./store").replace("s3://corpora/clue", "file:///home/me/clue")
    with pytest.raises(SpecError) as caught:
        cluster.package(text)
    said = str(caught.value).replace(str(cluster.folder), "")
    assert said.splitlines() == [
        "/demo.yaml:3: store: `/store` is on no volume of the cluster, use s3://bucket/prefix, or set `cluster.store` "
        "in the site file",
        "/demo.yaml:5: inputs.clue.text: `file:///home/me/clue/0000.txt` is on no volume of the cluster, put it on "
        "one, or on s3://",
        "/site.yaml: cluster.images.launch: is needed by `clue_words`, `wudao_words`, `clue_ids`, `wudao_ids`, "
        "`pretrain`, add `launch: sha256:...`",
        "/site.yaml: cluster.images.train-gpu: is needed by `pretrain`, add `train-gpu: sha256:...`",
    ]


def test_without_a_cluster_in_the_site_file_there_is_nothing_to_compile_for(cluster: Cluster) -> None:
    cluster.site("store: s3://x/y\n")
    with pytest.raises(SpecError, match=r"site.yaml: cluster: is needed to run on one, add"):
        cluster.package(SMALL)


@pytest.mark.parametrize("name", ["a__b", "ab_"])
def test_a_name_that_kfp_would_change_is_refused(cluster: Cluster, name: str) -> None:
    with pytest.raises(SpecError, match="give it another with `as:`"):
        cluster.package(SMALL.replace("segment:", f"segment: {{as: {name}}}"))


def test_a_step_may_take_longer_than_the_window_of_its_retries(cluster: Cluster) -> None:
    package = cluster.package(LARGE, "vocab.timeout=60d")
    assert settings(package.text, "vocab")["activeDeadlineSeconds"] == str(60 * 86400)
    assert tasks(package.text)["vocab"]["retryPolicy"]["backoffMaxDuration"] == f"{61 * 86400}s"
    assert "activeDeadlineSeconds" not in settings(package.text, "pretrain"), "its launcher stops it"
    assert package.workloads["pretrain"].timeout == 40 * 86400


def test_a_setting_that_the_driver_drops_is_refused() -> None:
    asked = {"exec-a": {"securityContext": {}, "enabledSharedMemory": {}, "podAffinity": []}}
    with pytest.raises(Error, match="exec-a: KFP's driver drops enabledSharedMemory, podAffinity silently"):
        compile.check_settings({"platforms": {"kubernetes": {"deploymentSpec": {"executors": asked}}}})


def test_a_pipeline_that_no_cluster_takes_says_so(cluster: Cluster) -> None:
    many = "".join(f"  - vocab: {{as: v{i}, size: {29000 + i}}}\n" for i in range(20)) + "# long\n" * 4000
    with pytest.raises(SpecError, match=r"the pipeline is \d+ KiB, a cluster takes 512 KiB: divide the spec"):
        cluster.package(SMALL + many)


def test_a_long_list_of_files_goes_through_the_store(cluster: Cluster) -> None:
    package = cluster.package(SMALL, files=5000)
    task = Task.from_json(told(package.text, "segment"))
    for key, data in package.listings.items():
        cluster.store.write(key, data)
    whole = inputs.unfold(task, cluster.store).inputs["text"][0].files
    assert [file["name"] for file in whole] == [f"{i:04d}.txt" for i in range(5000)]
    cluster.store.write(task.inputs["text"][0].listing, b"[]")
    with pytest.raises(BadInput, match="was changed: submit the run again"):
        inputs.unfold(task, cluster.store)
    assert cluster.package(SMALL).listings == {}


def test_a_spec_that_no_command_line_takes_says_so(cluster: Cluster) -> None:
    with pytest.raises(SpecError, match=r"steps.segment: the task of its pod is \d+ KiB, a command line takes 64 KiB"):
        cluster.package(SMALL + "# a long comment\n" * 5000)


def test_names_and_labels_by_which_a_client_finds_its_runs(cluster: Cluster) -> None:
    package = cluster.package(SMALL)
    assert package.name == f"small-{package.work[:8]}-{package.run}"
    assert package.steps == {"segment": "segment", "vocab": "vocab"}
    assert settings(package.text, "vocab")["podMetadata"]["labels"].items() >= package.labels.items()
    assert yaml.safe_load(package.text.partition("---")[0])["pipelineInfo"]["name"] == package.pipeline == "small"


def test_a_sweep_is_one_launcher_over_its_points(cluster: Cluster) -> None:
    workload = cluster.package(SWEEP).workloads["finetune"]
    assert (workload.kind, workload.count, workload.parallelism) == ("shards", 4, 2)
    task = Task.from_json(dict(workload.task))
    assert [sweeps.varied(task, n) for n in range(3)] == [
        {"learning_rate": 1e-5, "batch_size": 16}, {"learning_rate": 1e-5, "batch_size": 32},
        {"learning_rate": 2e-5, "batch_size": 16},
    ]  # fmt: skip


def test_the_task_of_a_point_is_that_of_its_step_without_the_sweep(cluster: Cluster) -> None:
    swept = Task.from_json(dict(cluster.package(SWEEP).workloads["finetune"].task))
    alone = SWEEP.replace("sweep: {learning_rate: [1.0e-5, 2.0e-5], batch_size: [16, 32]}", "learning_rate: 2.0e-5")
    alone = alone.replace("      best: max accuracy\n", "      batch_size: 32\n").replace("      shards: 2\n", "")
    expected = Task.from_json(dict(cluster.package(alone).workloads["finetune"].task))
    point = sweeps.point(swept, 3)
    same = ("parameters", "fingerprint", "address", "inputs", "image", "cpus", "memory", "ranks", "continues", "name")
    assert {name: getattr(point, name) for name in same} == {name: getattr(expected, name) for name in same}


def test_many_points_go_through_the_store(cluster: Cluster) -> None:
    package = cluster.package(SWEEP, f"finetune.sweep.learning_rate={[n / 1e6 for n in range(1, 401)]}")
    task = Task.from_json(dict(package.workloads["finetune"].task))
    assert not task.points and len(package.text) < 64 * 2**10
    cluster.store.write(task.points_listing, package.listings[task.points_listing])
    assert len(inputs.unfold(task, cluster.store).points) == 800
    cluster.store.write(task.points_listing, b"[]")
    with pytest.raises(BadInput, match="was changed: submit the run again"):
        inputs.unfold(task, cluster.store)


def test_a_sweep_over_gangs_of_several_pods_is_refused_with_what_to_do(cluster: Cluster) -> None:
    with pytest.raises(SpecError, match="on a cluster a point is one pod, with one GPU at most"):
        cluster.package(SWEEP, "finetune.nodes=2")


def test_halving_is_refused_on_a_cluster(cluster: Cluster) -> None:
    with pytest.raises(SpecError, match="`halving` of `finetune` compares trainings of one machine"):
        cluster.package(SWEEP, "finetune.halving=[200]")

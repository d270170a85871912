"""Plan -> Kubeflow pipeline: text that is the same for the same plan. Pure, and the only importer of kfp's compiler."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from google.protobuf import json_format
from kfp import dsl, kubernetes
from kfp.components import load_component_from_text

from components.launch import stages
from components.launch.workload import Workload
from components.runtime import handover
from ernie_core.errors import Error, Refused
from jobs.cluster import tasks
from jobs.cluster.tasks import Context
from jobs.plan import graph
from jobs.plan.graph import Node
from jobs.plan.inputs import Content
from jobs.plan.plan import Plan
from jobs.spec import fields
from jobs.spec.job import Job
from jobs.spec.problems import Problem, SpecError

MOST_ARGUMENT, MOST_TEXT = 64 * 2**10, 512 * 2**10
"""Bytes. Linux takes 128 KiB in one argument, which KFP quotes once more; etcd takes 1.5 MiB in one Workflow."""
DAY = 86400
KEPT = {"success": DAY, "failure": 7 * DAY}
"""Seconds that Kubernetes keeps a finished run, and with it the pods."""
ATTEMPTS, PAUSE, WINDOW = 3, 30, 30 * DAY
"""Of a pod that KFP starts. The window counts from the first start: what KFP sets by itself, an hour, would end a long
step's second attempt at birth."""
LOST = 30
"""Seconds after which a pod on a node that does not answer is given up; Kubernetes itself waits for five minutes."""
BESIDE = 150 * 2**20
"""Bytes that KFP's own programs take in the container of a step."""
USER = 1000
"""Of the images."""
_HONOURED = {"activeDeadlineSeconds", "emptyDirMounts", "nodeSelector", "podMetadata", "pvcMount", "secretAsEnv",
             "securityContext", "tolerations"}  # fmt: skip


@dataclass(frozen=True)
class CompiledPipeline:
    """A pipeline to submit, and what the client must know of it."""

    text: str
    """Its YAML: the pipeline, then the settings of its pods for Kubernetes."""
    pipeline: str
    """Its name: that of the job."""
    name: str
    """Of its run: job, work and the id of its record."""
    run: str
    """The id of the run that it was compiled for, and of its record in the store."""
    work: str
    """The fingerprint of the whole job: two runs with the same one do the same work."""
    labels: Mapping[str, str]
    """On every pod of the run."""
    steps: Mapping[str, str]
    """Step -> the task that makes it; steps that are done have none."""
    workloads: Mapping[str, Workload] = field(default_factory=dict)
    """Step -> what its launcher starts."""
    listings: Mapping[str, bytes] = field(default_factory=dict)
    """What must be written to the store before it is submitted, by key."""


def package(job: Job, plan: Plan, inputs: Mapping[str, Content], run: str) -> CompiledPipeline:
    """The steps that are not done yet, as a pipeline. SpecError with all reasons why it cannot run there."""
    if job.site.cluster is None:
        raise SpecError([job.site.problem("cluster", "is needed to run on one, add `cluster: {namespace: ...}`")])
    if plan.refusals:
        raise Refused("; ".join(f"step `{step.node.name}` {step.reason}" for step in plan.refusals))
    nodes = [step.node for step in plan.steps if step.state != "done"]
    if not nodes:
        raise Error("nothing to run: every step is in the store")
    where = Context(job, job.site.cluster, inputs, plan.store, run)
    names = _names(nodes)
    problems = [*tasks.problems(nodes, where), *_collisions(job, names)]
    if problems:
        raise SpecError(problems)
    workloads = {node.name: tasks.workload(node, where) for node in nodes if tasks.is_launched(node)}
    work = graph.work(step.node for step in plan.steps)
    labels = {"ernie.io/job": job.name, "ernie.io/run": run}
    text = _text(nodes, names, workloads, where, work)
    listings = tasks.listings(nodes, where)
    return CompiledPipeline(
        text, job.name, f"{job.name}-{work[:8]}-{run}", run, work, labels, names, workloads, listings
    )


def documents(package: CompiledPipeline) -> str:
    """All that a cluster would be given: the pipeline, then the objects that its launchers begin with."""
    parts = [package.text]
    for step, workload in package.workloads.items():
        parts += [f"# what the launcher of `{step}` creates\n{_dump(found)}" for found in stages.manifests(workload)]
    return "---\n".join(parts)


def check_settings(platform: Mapping[str, Any]) -> None:
    """Refuse what KFP's compiler accepts and its driver drops. Error with the setting."""
    for name, settings in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].items():
        if dropped := sorted(settings.keys() - _HONOURED):
            raise Error(f"{name}: KFP's driver drops {', '.join(dropped)} silently, so it must not be set")


def _text(nodes: list[Node], names: Mapping[str, str], workloads: Mapping[str, Workload], where: Context,
          work: str) -> str:  # fmt: skip
    made: dict[str, Any] = {}

    def body() -> None:
        for node in nodes:
            made[node.name] = _task(node, names, made, workloads.get(node.name), where)

    keep = dsl.PipelineConfig(ttl_seconds_after_success=KEPT["success"], ttl_seconds_after_failure=KEPT["failure"])
    about = f"{where.job.name}: {', '.join(node.name for node in nodes)}. Fingerprint of the work {work}."
    pipeline = dsl.pipeline(name=where.job.name, description=about, pipeline_config=keep)(body)
    spec = json_format.MessageToDict(pipeline.pipeline_spec)
    platform = json_format.MessageToDict(pipeline.platform_spec)
    check_settings(platform)
    if set(spec["root"]["dag"]["tasks"]) != set(names.values()) or spec["pipelineInfo"]["name"] != where.job.name:
        raise Error("KFP renamed the pipeline or a step of it, use plain lower-case names")
    text = f"{_dump(spec)}---\n{_dump(platform)}"
    if len(text.encode()) > MOST_TEXT:
        why = (
            f"the pipeline is {len(text.encode()) >> 10} KiB, a cluster takes {MOST_TEXT >> 10} KiB: divide the spec; "
            "the second part starts from the artefacts of the first"
        )
        raise SpecError([Problem(where.job.file, 0, "steps", why)])
    return text


def _task(node: Node, names: Mapping[str, str], made: Mapping[str, Any], workload: Workload | None,
          where: Context) -> Any:  # fmt: skip
    """One step in the pipeline, behind those that it needs."""
    bound = {port if len(links) == 1 else f"{port}_{link.name}": link
             for port, links in node.links.items() for link in links if link.name in made}  # fmt: skip
    inputs = [{"name": name, "type": fields.kind(link.kind).shown_as} for name, link in bound.items()]
    component = load_component_from_text(yaml.safe_dump(_component(node, names[node.name], inputs, workload, where)))
    artefacts = {name: made[link.name].outputs[link.kind] for name, link in bound.items()}
    task = component(**artefacts)
    read = {link.name for link in bound.values()}
    task.after(*(made[name] for name in node.after if name in made and name not in read))
    _give(task, node, workload, where)
    return task


def _component(node: Node, name: str, inputs: list[dict[str, str]], workload: Workload | None,
               where: Context) -> dict[str, Any]:  # fmt: skip
    cls = type(node.step)
    if workload:
        image, command = "launch", [*tasks.COMMAND[:2], "components.launch"]
        given = ["--workload", tasks.argument(workload.to_json())]
        env = tasks.environment(where)
    else:
        image, command = tasks.image(node), [*tasks.COMMAND, node.component]
        given = ["--task", tasks.argument(tasks.task(node, where).to_json())]
        env = tasks.environment(where, tasks.cpus(node), node)
    if (size := len(given[1].encode())) > MOST_ARGUMENT:
        text = (
            f"the task of its pod is {size >> 10} KiB, a command line takes {MOST_ARGUMENT >> 10} KiB: the spec alone "
            f"is {len(where.job.text.encode()) >> 10} KiB of it, divide it"
        )
        raise SpecError([Problem(where.job.file, 0, f"steps.{node.name}", text)])
    kind = cls.makes().kind
    return {
        "name": name, "description": " ".join((cls.__doc__ or "").partition("\n\n")[0].split()), "inputs": inputs,
        "outputs": [{"name": kind, "type": fields.kind(kind).shown_as}, {"name": handover.SCORES, "type": "Metrics"}],
        "implementation": {"container": {
            "image": tasks.reference(image, where.cluster), "command": command, "env": env,
            # The last argument is KFP's description of this task: it says where its UI reads scores.
            "args": [*given, "--manifest", {"outputPath": kind}, "--executor-input", "{{$}}"],
        }},
    }  # fmt: skip


def _give(task: Any, node: Node, workload: Workload | None, where: Context) -> None:
    """All settings of a step's pod for Kubernetes and KFP."""
    cluster = where.cluster
    window = max(WINDOW, (node.timeout or 0) + DAY)
    task.set_caching_options(False)
    task.set_retry(ATTEMPTS, backoff_duration=f"{PAUSE}s", backoff_factor=2, backoff_max_duration=f"{window}s")
    cpu = f"{round(1000 * cluster.launcher.cpu)}m" if workload else str(node.cpu)
    memory = f"{-(-(cluster.launcher.memory if workload else node.memory + BESIDE) // 2**20)}Mi"
    task.set_cpu_request(cpu).set_cpu_limit(cpu).set_memory_request(memory).set_memory_limit(memory)
    kubernetes.set_security_context(task, run_as_user=USER, run_as_group=USER, run_as_non_root=True)
    kubernetes.empty_dir_mount(task, "scratch", tasks.SCRATCH)
    for name, value in tasks.labels(node, where).items():
        kubernetes.add_pod_label(task, name, value)
    for secret, keys in cluster.secrets.items():
        kubernetes.use_secret_as_env(task, secret, {key: key for key in keys})
    for volume in cluster.volumes:
        kubernetes.mount_pvc(task, volume.claim, volume.path, volume.sub_path)
    for name, value in cluster.node_selector.items():
        kubernetes.add_node_selector(task, name, value)
    for found in cluster.tolerations:
        kubernetes.add_toleration(task, found.key, found.operator, found.value, found.effect)
    for lost in ("not-ready", "unreachable"):
        kubernetes.add_toleration(task, f"node.kubernetes.io/{lost}", "Exists", None, "NoExecute", LOST)
    if workload:  # it watches for weeks, and would rather not be moved
        kubernetes.add_pod_annotation(task, "cluster-autoscaler.kubernetes.io/safe-to-evict", "false")
        kubernetes.add_pod_annotation(task, "karpenter.sh/do-not-disrupt", "true")
        return
    kubernetes.empty_dir_mount(task, "shm", "/dev/shm", medium="Memory")
    if node.timeout:
        kubernetes.set_timeout(task, node.timeout)


def _names(nodes: list[Node]) -> dict[str, str]:
    """Step -> task. KFP writes `-` where we write `_`."""
    return {node.name: node.name.replace("_", "-") for node in nodes}


def _collisions(job: Job, names: Mapping[str, str]) -> list[Problem]:
    found = []
    for step, name in names.items():
        if "--" in name or name.endswith("-"):
            found.append(Problem(job.file, 0, f"steps.{step}", "a cluster accepts no name with `__` or a final `_`, "
                                 "give it another with `as:`"))  # fmt: skip
    if "--" in job.name:
        found.append(Problem(job.file, 0, "name", f"`{job.name}`: a cluster accepts no name with `--`"))
    return found


def _dump(document: Mapping[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, width=10**9)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such, so that a golden file shows which of them changed."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)

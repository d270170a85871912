"""A cluster that is not there, and jobs compiled for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ernie_core.store import open_store
from jobs.cluster import compile
from jobs.plan import graph, plan
from jobs.plan.inputs import Content, InputFile
from jobs.spec import document, parser, site
from jobs.spec.job import InputFiles

DIGEST = "sha256:" + 64 * "0"
SITE = f"""\
s3: {{endpoint_url: "http://s3.storage.svc:8333", region: us-east-1}}
cluster:
  endpoint: http://ml-pipeline.kubeflow.svc:8888
  namespace: kubeflow
  service_account: ernie-jobs
  store: s3://ernie/store
  registry: registry.example.com/ernie
  images: {{text: "{DIGEST}", train: "{DIGEST}", train-gpu: "{DIGEST}", deploy: "{DIGEST}", launch: "{DIGEST}"}}
  secrets: {{ernie-store: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}}
  node_selector: {{pool: batch}}
  tolerations: [{{key: batch, operator: Exists, effect: NoSchedule}}]
  gpu: {{node_selector: {{pool: gpu}}, tolerations: [{{key: nvidia.com/gpu, operator: Exists}}]}}
  queue: ernie
"""
LARGE = """\
version: 1
name: large
store: s3://ernie/large
inputs:
  clue: {text: s3://corpora/clue/*.txt}
  wudao: {text: s3://corpora/wudao/*.json}
steps:
  - segment: {as: clue_words, from: clue, shards: 64}
  - segment: {as: wudao_words, from: wudao, json_key: content, shards: 134, memory: 3GiB}
  - vocab: {from: [clue_words, wudao_words], size: 40000, require: {unk_rate: "<0.5%"}}
  - ids: {as: clue_ids, from: clue_words, shards: 64}
  - ids: {as: wudao_ids, from: wudao_words, shards: 256}
  - pretrain: {from: {clue_ids: 7, wudao_ids: 12}, arch: base, global_batch_size: 256, nodes: 4, gpus: 8, cpu: 32,
               memory: 200GiB, timeout: 40d}
"""
SWEEP = """\
version: 1
name: sweep
store: s3://ernie/store
inputs:
  base: {model: s3://corpora/base/*}
  tnews: {task_data: s3://corpora/tnews/*}
steps:
  - finetune:
      sweep: {learning_rate: [1.0e-5, 2.0e-5], batch_size: [16, 32]}
      best: max accuracy
      shards: 2
      gpus: 1
      require: {accuracy: ">=0.5"}
  - compress: {strategy: int8}
"""


class Cluster:
    """Specs compiled against a site and a store, both in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, open_store(folder / "store")
        self.site(SITE)

    def site(self, text: str) -> None:
        """Other settings."""
        (self.folder / "site.yaml").write_text(text, encoding="utf-8")

    def package(self, text: str, *edits: str, name: str = "demo.yaml", files: int = 1) -> compile.CompiledPipeline:
        """What is submitted for a spec whose inputs have so many files."""
        job = parser.parse(text, str(self.folder / name), [document.edit(edit) for edit in edits])
        found = {name: _content(name, entry, files) for name, entry in job.inputs.items()}
        planned = plan.make(graph.build(job, found), self.store)
        planned = replace(planned, store=site.cluster_store(job.store, job.site))
        return compile.package(job, planned, found, "20260131-120000-abcd")


def _content(name: str, entry: InputFiles, files: int) -> Content:
    place = entry.files[0].rpartition("/")[0] if "://" in entry.files[0] else f"s3://corpora/{name}"
    names = [f"{i:04d}.txt" for i in range(files)]
    return Content(entry.kind, tuple(InputFile(n, f"{place}/{n}", 1000, "etag:0") for n in names))


def read(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is done, and what Kubernetes is told."""
    first, second, *_ = yaml.safe_load_all(text)
    return first, second["platforms"]["kubernetes"]


def tasks(text: str) -> dict[str, Any]:
    """The tasks of a pipeline."""
    found: dict[str, Any] = read(text)[0]["root"]["dag"]["tasks"]
    return found


def container(text: str, task: str) -> dict[str, Any]:
    """What runs in the pod of a task."""
    found: dict[str, Any] = read(text)[0]["deploymentSpec"]["executors"][f"exec-{task}"]["container"]
    return found


def settings(text: str, task: str) -> dict[str, Any]:
    """What Kubernetes is told of the pod of a task."""
    found: dict[str, Any] = read(text)[1]["deploymentSpec"]["executors"][f"exec-{task}"]
    return found

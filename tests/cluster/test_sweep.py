"""A sweep of fine-tunings on a real cluster: one Indexed Job, whose points are the artefacts of the same step alone."""

import json
from pathlib import Path

import pytest
import tiny_slu
from machines import Machine

from ernie_core.store import Store, artefact

SPEC = Path(__file__).parents[2] / "specs" / "slu.yaml"
SMALL = (
    "model.name=null",
    "finetune.gpus=0",
    "finetune.num_train_epochs=4",
    "finetune.batch_size=16",
    "finetune.eval_steps=10",
)


@pytest.fixture
def inputs(store: Store) -> list[str]:
    """Raw data and a model in the object store, as edits of the spec."""
    brought = {"queries.raw_data": tiny_slu.raw(), "base.model_files": tiny_slu.model()}
    for name, files in brought.items():
        for file, content in files.items():
            store.write(f"brought/{name}/{file}", content)
    return [f"inputs.{name}={store.url}/brought/{name}/*" for name in brought]


def test_points_are_made_where_the_step_alone_would_be_and_the_best_is_kept(
    machine: Machine, store: Store, inputs: list[str]
) -> None:
    text = SPEC.read_text(encoding="utf-8").replace("store: s3://ernie/store", f"store: {store.url}")
    (machine.folder / "slu.yaml").write_text(text, encoding="utf-8")
    small = [word for edit in (*inputs, *SMALL) for word in ("--set", edit)]
    swept = [*small, "--set", "finetune.sweep={seed: [1, 2]}", "--set", "finetune.best=max intent_accuracy",
             "--set", "finetune.shards=2"]  # fmt: skip
    machine.kfp("run", "slu.yaml", "--on", "cluster", "-y", *swept, seconds=600)
    (name,) = store.children("finetune-sweep")
    manifest = artefact.read(store, f"finetune-sweep/{name}")
    assert manifest
    found = json.loads(store.read(f"finetune-sweep/{name}/{manifest.data}/sweep.json"))
    scores = [point["scores"]["intent_accuracy"] for point in found["points"]]
    assert len(scores) == 2 and scores[found["best"]] == max(scores)
    addresses = [f"finetune/{one}" for one in store.children("finetune")]
    assert sorted(point["address"] for point in found["points"]) == addresses
    alone = json.loads(machine.kfp("plan", "slu.yaml", "--on", "cluster", "--json", *small,
                                   "--set", "finetune.seed=2").stdout)  # fmt: skip
    assert {step["step"]: step["state"] for step in alone["steps"]}["finetune"] == "done"

"""A sweep on a real cluster: one Indexed Job, whose points are the artefacts of the same step alone."""

import json
from pathlib import Path

from machines import Machine

from ernie_core.store import Store, artefact

SPEC = Path(__file__).parents[2] / "specs" / "cluster_smoke.yaml"
SMALL = ("pretrain.nodes=1", "pretrain.global_batch_size=8", "pretrain.max_steps=30", "pretrain.eval_freq=30")


def test_points_are_made_where_the_step_alone_would_be_and_the_best_is_kept(machine: Machine, store: Store) -> None:
    text = SPEC.read_text(encoding="utf-8").replace("store: ../store", f"store: {store.url}")
    (machine.folder / "smoke.yaml").write_text(text, encoding="utf-8")
    small = [word for edit in SMALL for word in ("--set", edit)]
    swept = [*small, "--set", "pretrain.sweep={seed: [1, 2]}", "--set", "pretrain.best=min train_loss",
             "--set", "pretrain.shards=2"]  # fmt: skip
    machine.kfp("run", "smoke.yaml", "--on", "cluster", "-y", *swept, seconds=600)
    (name,) = store.children("pretrain-sweep")
    found = json.loads(store.read(f"pretrain-sweep/{name}/{_data(store, name)}/sweep.json"))
    scores = [point["scores"]["train_loss"] for point in found["points"]]
    assert scores[found["best"]] == min(scores) and len(set(scores)) == 2
    addresses = [f"pretrain/{one}" for one in store.children("pretrain")]
    assert sorted(point["address"] for point in found["points"]) == addresses
    alone = json.loads(machine.kfp("plan", "smoke.yaml", "--on", "cluster", "--json", *small,
                                   "--set", "pretrain.seed=2").stdout)  # fmt: skip
    assert {step["step"]: step["state"] for step in alone["steps"]}["pretrain"] == "done"


def _data(store: Store, name: str) -> str:
    manifest = artefact.read(store, f"pretrain-sweep/{name}")
    assert manifest
    return manifest.data

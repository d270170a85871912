"""Looking into artefacts."""

import json

import pytest
from machines import Machine

from components.runtime import points
from ernie_core.store import artefact, open_store

STEPS = "  - segment:\n  - vocab: {{size: 3000, english_size: 0, han: seen}}\n  - ids: {{data_impl: {0}}}\n"


@pytest.mark.parametrize("data_impl", ["npy", "mmap"])
def test_documents_of_words_and_of_ids_read_alike(machine: Machine, data_impl: str) -> None:
    machine.spec(STEPS.format(data_impl))
    machine.kfp("run", "demo.yaml")
    words = machine.kfp("show", "segment", "7").stdout
    assert "研究 生命 的 起源" in words
    assert machine.kfp("show", "ids", "7").stdout == words
    assert machine.kfp("show", "ids", "39").stdout == machine.kfp("show", "segment", "39").stdout
    beyond = machine.kfp("show", "ids", "40", check=3).stderr
    assert "there is no document 40: numbers go from 0 to 39" in beyond


def test_documents_of_pieces_are_shown_word_by_word(machine: Machine) -> None:
    machine.spec("  - segment:\n  - vocab: {recipe: sentencepiece, size: 2000}\n  - ids:\n")
    machine.kfp("run", "demo.yaml")
    shown = machine.kfp("show", "ids", "7").stdout
    assert "研 究 生 命 的 起 源" in shown
    assert json.loads(machine.kfp("show", "vocab", "--json").stdout)["recipe"] == "sentencepiece"


def test_figures_and_lengths_of_ids(machine: Machine) -> None:
    machine.spec(STEPS.format("npy"))
    machine.kfp("run", "demo.yaml")
    shown = json.loads(machine.kfp("show", "ids", "--json").stdout)
    assert (shown["kind"], shown["documents"], shown["sentences"]) == ("ids", 40, 160)
    assert sum(shown["lengths"].values()) == 160
    text = machine.kfp("show", "ids").stdout
    assert "tokens per sentence" in text and "####" in text
    assert [line.split()[0] for line in text.splitlines()[2:5]] == ["documents", "tokens", "unk_rate"], (
        "main ones first"
    )
    assert f"{100 * shown['unk_rate']:.3g} %" in text.splitlines()[4]
    for words in (["ls"], ["logs"], ["status"]):
        listed = " ".join(machine.kfp(*words).stdout.replace("=", " ").replace(",", "").split())
        assert f"documents 40 tokens {shown['tokens']} unk_rate {shown['unk_rate']:.4g}"[:30] in listed, words
    assert "size" in machine.kfp("show", "vocab").stdout


def test_what_is_not_there_is_named(machine: Machine) -> None:
    machine.spec("  - segment:\n")
    machine.kfp("run", "demo.yaml")
    assert "has no artefact `ids`; `kfp ls" in machine.kfp("show", "ids", check=3).stderr


def test_a_sweep_without_an_artefact_is_found_by_the_name_of_its_component(machine: Machine) -> None:
    store, address = open_store(machine.folder / "store"), "finetune-sweep/0123456789abcdef"
    rows = [{"varied": {"seed": seed}, "address": f"finetune/{seed:016x}"} for seed in (1, 2)]
    store.write(f"{address}/{points.LIST}", points.listing(rows, "max accuracy"))
    shown = machine.kfp("show", "finetune-sweep", "--store", "store").stdout
    assert shown.startswith(f"{address}: 2 points, the best is that of max accuracy")
    other = address.replace("0", "f")
    store.write(f"{other}/{points.LIST}", points.listing(rows, "max accuracy"))
    wrong = machine.kfp("show", "finetune-sweep", "--store", "store", check=1).stderr
    assert f"2 sweeps were begun and none is finished, name one: {address}, {other}" in wrong


def test_a_checkpoint_is_listed_below_its_training_alone(machine: Machine) -> None:
    store, address = open_store(machine.folder / "store"), "finetune/0123456789abcdef"
    checkpoint = f"{address}/model_200"
    for place, kind in ((address, "finetuned"), (checkpoint, "checkpoint")):
        folder = machine.folder / kind
        folder.mkdir()
        (folder / "metrics.json").write_text('{"accuracy": 0.5}')
        artefact.publish(store, place, folder, kind=kind, info={"scores": {"accuracy": 0.5}})
    shown = machine.kfp("show", "finetune", "--store", "store")
    assert shown.stdout.startswith(f"{address}: finetuned") and "the newest of" not in shown.stderr

    def listed(*words: str) -> list[str]:
        return [row["artefact"] for row in json.loads(machine.kfp("ls", *words, "--store", "store", "--json").stdout)]

    assert listed() == listed("finetune") == [address]
    store.delete(f"{address}/{artefact.MANIFEST}")
    assert listed() == [] and listed(address) == [checkpoint], "half done"


def test_why_of_what_is_no_package_says_how_a_step_is_asked(machine: Machine) -> None:
    said = machine.kfp("why", "sample_words", "--store", "store", check=3).stderr
    assert "no package `sample_words`" in said and "`kfp why SPEC STEP`" in said and "`kfp why ADDRESS`" in said


def test_pages_of_an_artefact_are_named(machine: Machine) -> None:
    store, folder = open_store(machine.folder / "store"), machine.folder / "finetuned"
    folder.mkdir()
    (folder / "results.html").write_text("<!doctype html>")
    (folder / "metrics.json").write_text('{"accuracy": 0.5}')
    address = "finetune/0123456789abcdef"
    made = artefact.publish(store, address, folder, kind="finetuned", info={"scores": {"accuracy": 0.5}})
    shown = machine.kfp("show", "finetune", "--store", "store").stdout
    assert "accuracy" in shown and f"{address}/{made.data}/results.html" in shown

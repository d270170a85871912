"""Looking into artefacts."""

import json

import pytest
from machines import Machine

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


def test_figures_and_lengths_of_ids(machine: Machine) -> None:
    machine.spec(STEPS.format("npy"))
    machine.kfp("run", "demo.yaml")
    shown = json.loads(machine.kfp("show", "ids", "--json").stdout)
    assert (shown["kind"], shown["documents"], shown["sentences"]) == ("ids", 40, 160)
    assert sum(shown["lengths"].values()) == 160
    text = machine.kfp("show", "ids").stdout
    assert "tokens per sentence" in text and "####" in text and "unk_rate" in text
    assert "size" in machine.kfp("show", "vocab").stdout


def test_what_is_not_there_is_named(machine: Machine) -> None:
    machine.spec("  - segment:\n")
    machine.kfp("run", "demo.yaml")
    assert "has no artefact `ids`; `kfp ls" in machine.kfp("show", "ids", check=3).stderr

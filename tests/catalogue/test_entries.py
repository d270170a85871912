"""The catalogue itself: everything in it is of the right form, and can be read by what reads it."""

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from ernie_core.catalogue import datasets, entries
from ernie_core.datasets import choosing
from ernie_core.datasets.known import FORMATS, TABLES
from ernie_core.errors import NotFound
from ernie_core.tasks import defaults

MODELS = [*entries.names("models")]
DATASETS = [*entries.names("datasets")]
SHAPES = {
    "ernie-1.0": (12, 768, 12, 18000, 513, 2), "ernie-3.0-base-zh": (12, 768, 12, 40000, 2048, 4),
    "ernie-3.0-tiny-nano-v2-zh": (4, 312, 12, 40000, 2048, 4), "ernie-1.0-large-zh-cw": (24, 1024, 16, 18000, 512, 2),
    "ernie-3.0-xbase-zh": (20, 1024, 16, 40000, 2048, 4), "ernie-m-base": (12, 768, 12, 250002, 514, 0),
    "ernie-m-large": (24, 1024, 16, 250002, 514, 0),
}  # fmt: skip
"""Layers, hidden size, heads, words, positions and types, as published."""


@pytest.mark.parametrize("name", [*MODELS, *DATASETS])
def test_files_have_names_addresses_and_digests_of_the_right_form(name: str) -> None:
    entry = entries.find(name, "models" if name in MODELS else "datasets")
    assert entry.files and len({file.name for file in entry.files}) == len(entry.files)
    for file in entry.files:
        parts = urlsplit(file.url)
        assert parts.scheme == "https" and parts.hostname and parts.path and not parts.query
        assert PurePosixPath(file.name).name == file.name
        assert re.fullmatch(r"[0-9a-f]{32}|", file.md5) and re.fullmatch(r"[0-9a-f]{64}|", file.sha256)
        assert all(PurePosixPath(member.name).name == member.name for member in file.members)
        assert all(re.fullmatch(r"[0-9a-f]{32}|", member.md5) for member in file.members)
    written = [member.name for file in entry.files for member in file.members]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_weights_vocabulary_and_shape(name: str) -> None:
    entry = entries.find(name, "models")
    assert {"model_state.pdparams", "vocab.txt"} <= {file.name for file in entry.files}
    config = entry.facts["config"]
    assert ("sentencepiece.bpe.model" in {file.name for file in entry.files}) == (config["model_type"] == "ernie_m")
    assert config["hidden_size"] % config["num_attention_heads"] == 0
    assert entry.licence
    for repository in entry.facts.get("huggingface", ()):
        assert re.fullmatch(r"[\w-]+/[\w.-]+(@[0-9a-f]{40})?", repository)


@pytest.mark.parametrize("name", SHAPES)
def test_the_shape_is_the_published_one(name: str) -> None:
    config = entries.find(name, "models").facts["config"]
    names = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size", "max_position_embeddings")
    assert (*(config[key] for key in names), config.get("type_vocab_size", 0)) == SHAPES[name]


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_has_a_format_and_published_defaults_by_its_name(name: str) -> None:
    reading = datasets.reading(entries.find(name, "datasets"))
    assert reading["format"] in {**FORMATS, **TABLES}
    choosing.load(reading["format"]).of(reading["columns"])
    assert (reading["published"] or reading["format"]) in {*defaults.DATASETS, *FORMATS}


def test_every_set_of_clue_is_there() -> None:
    assert {name for name in FORMATS if name.startswith("clue/")} <= set(DATASETS)


def test_a_misspelt_name_gets_the_nearest_one() -> None:
    with pytest.raises(NotFound, match=r"did you mean `ernie-3\.0-base-zh`"):
        entries.find("ernie-3.0-bas-zh", "models")

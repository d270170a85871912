"""Models and data by their published names: checked, planned, run from a mirror, offline, and behind a dead proxy."""

import io
import json
import shutil
import socket
import zipfile
from pathlib import Path

import published_models
import pytest
from machines import Machine
from published import server
from small_spec import load, problems

from jobs.plan import graph

NAME = "ernie-3.0-tiny-pico-v2-zh"
HEAD = "version: 1\nname: demo\nstore: store\n"


def spec(steps: str, inputs: str = "") -> str:
    return f"{HEAD}{f'inputs: {inputs}' if inputs else ''}\nsteps:\n{steps}"


def fingerprints(tmp_path: Path, text: str) -> list[str]:
    return [node.fingerprint for node in graph.build(load(tmp_path, text), {})]


def test_a_misspelt_name_is_said_when_the_spec_is_checked(tmp_path: Path) -> None:
    text = spec("  - pretrained: {name: ernie-3.0-bas-zh}\n  - dataset: {name: clue/afqm}\n")
    assert problems(tmp_path, text) == [
        "demo.yaml:6: steps.0.pretrained: `ernie-3.0-bas-zh` is no model of the catalogue, did you mean "
        "`ernie-3.0-base-zh`?",
        "demo.yaml:7: steps.1.dataset: `clue/afqm` is no data set of the catalogue, did you mean `clue/afqmc`?",
    ]


def test_a_branch_of_a_repository_is_no_version(tmp_path: Path) -> None:
    [said] = problems(tmp_path, spec("  - pretrained: {name: hf://nghuyong/ernie-3.0-base-zh@main}\n"))
    assert "`main` may mean other files tomorrow: name the commit" in said


def test_neither_name_nor_files_is_said_with_both_ways(tmp_path: Path) -> None:
    assert problems(tmp_path, spec("  - pretrained:\n  - dataset:\n")) == [
        "demo.yaml:6: steps.0.pretrained: needs `model_files` or `name:`, but no earlier step or input makes it, "
        "there is: nothing",
        "demo.yaml:7: steps.1.dataset: needs `raw_data` or `name:`, but no earlier step or input makes it, "
        "there is: pretrained (model)",
    ]


def test_a_name_and_files_are_one_too_many(tmp_path: Path) -> None:
    text = spec("  - dataset: {name: msra_ner, from: mine}\n", "{mine: {raw_data: x.tsv}}")
    [said] = problems(tmp_path, text)
    assert said.endswith("name msra_ner and `from: mine` both say what to take: leave one of them out")


def test_a_step_with_a_name_leaves_the_files_to_the_others(tmp_path: Path) -> None:
    job = load(tmp_path, spec("  - dataset: {as: a, name: msra_ner}\n  - dataset: {as: b}\n", "{mine: {raw_data: x}}"))
    assert dict(job.steps[0].inputs) == {}
    assert [binding.source for binding in job.steps[1].inputs["raw_data"]] == ["mine"]


def test_how_published_data_are_read_is_known(tmp_path: Path) -> None:
    [said] = problems(tmp_path, spec("  - dataset: {name: msra_ner, format: csv, text: a}\n"))
    assert said.endswith("format, text: how msra_ner is read is known: leave that out, or the name")


def test_the_fingerprint_is_of_what_the_name_means_and_of_no_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = spec(f"  - pretrained: {{name: {NAME}}}\n  - dataset: {{name: msra_ner}}\n")
    before = fingerprints(tmp_path, text)
    (tmp_path / "site.yaml").write_text("mirror: m\n")
    assert fingerprints(tmp_path, text) == before
    from ernie_core.catalogue import entries

    others = {NAME: entries.find("ernie-3.0-nano-zh", "models"), "msra_ner": entries.find("xnli_cn", "datasets")}
    monkeypatch.setattr(entries, "_read", lambda shelf: others)
    assert not set(fingerprints(tmp_path, text)) & set(before)


def test_a_digest_that_a_person_knows_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    pin = "sha256: {vocab.txt: " + "a" * 64 + "}"
    texts = [spec(f"  - pretrained: {{name: {NAME}{more}}}\n") for more in ("", f", {pin}")]
    assert fingerprints(tmp_path, texts[0]) != fingerprints(tmp_path, texts[1])


def bits(machine: Machine) -> bytes:
    [file] = machine.folder.glob("store/pretrained/*/data-*/model_state.pdparams")
    found = file.read_bytes()
    shutil.rmtree(machine.folder / "store")
    return found


def test_a_model_is_the_same_from_a_folder_a_server_and_as_an_input(machine: Machine) -> None:
    folder = published_models.model(NAME, machine.folder / "m")
    by_name = machine.folder / "demo.yaml"
    by_name.write_text(spec(f"  - pretrained: {{name: {NAME}}}\n"))
    (machine.folder / "site.yaml").write_text("mirror: m\n")
    machine.kfp("run", "demo.yaml", "--on", "local")
    [note] = machine.folder.glob("store/pretrained/*/data-*/source.json")
    assert json.loads(note.read_text())["name"] == NAME
    first = bits(machine)
    content = {str(path.relative_to(folder.parents[1])): path.read_bytes() for path in folder.iterdir()}
    with server(**content) as site:
        (machine.folder / "site.yaml").write_text(f"mirror: {site.url}\n")
        machine.kfp("run", "demo.yaml", "--on", "local")
        assert bits(machine) == first
    (machine.folder / "site.yaml").unlink()
    from ernie_core.catalogue import entries

    config = entries.find(NAME, "models").facts["config"]
    (folder / "config.json").write_text(json.dumps(config))
    by_name.write_text(spec("  - pretrained:\n", f"{{mine: {{model_files: {folder}}}}}"))
    machine.kfp("run", "demo.yaml", "--on", "local")
    assert bits(machine) == first


def questions(count: int) -> str:
    rows = [{"id": f"q{i}", "context": f"北京是首都，编号{i}。", "question": "首都是哪里？",
             "answers": [{"text": "北京", "answer_start": 0}]} for i in range(count)]  # fmt: skip
    data = [{"paragraphs": [{"id": row["id"], "context": row["context"], "qas": [row]}]} for row in rows]
    return json.dumps({"version": "v", "data": data}, ensure_ascii=False)


def test_data_come_from_the_mirror_with_their_published_defaults(machine: Machine) -> None:
    place = machine.folder / "m/datasets/clue/cmrc2018/cmrc2018_public.zip"
    place.parent.mkdir(parents=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("train", "dev", "trial", "test"):
            archive.writestr(f"cmrc2018_public/{name}.json", questions({"train": 8}.get(name, 3)))
    place.write_bytes(packed.getvalue())
    (machine.folder / "site.yaml").write_text("mirror: m\n")
    (machine.folder / "demo.yaml").write_text(spec("  - dataset: {name: clue/cmrc2018}\n"))
    machine.kfp("run", "demo.yaml", "--on", "local")
    [facts] = machine.folder.glob("store/dataset/*/data-*/task.json")
    assert json.loads(facts.read_text())["dataset"] == "clue/cmrc2018"
    assert machine.record()["steps"]["dataset"]["scores"]["train"] == 8


def test_what_the_mirror_does_not_have_is_one_line_with_its_place(machine: Machine) -> None:
    (machine.folder / "site.yaml").write_text("mirror: m\n")
    (machine.folder / "demo.yaml").write_text(spec("  - dataset: {name: msra_ner}\n"))
    said = machine.kfp("run", "demo.yaml", "--on", "local", check=None)
    assert said.returncode and "there is no such file; bring `msra_ner.tar.gz` (https://" in said.stderr + said.stdout
    assert "to datasets/msra_ner/msra_ner.tar.gz of" in said.stderr + said.stdout


@pytest.mark.slow
def test_a_dead_proxy_is_one_line_with_its_address(machine: Machine) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    machine.environment["HTTPS_PROXY"] = f"http://me:secret@127.0.0.1:{port}"
    (machine.folder / "demo.yaml").write_text(spec(f"  - pretrained: {{name: {NAME}}}\n"))
    said = machine.kfp("run", "demo.yaml", "--on", "local", check=None)
    told = said.stderr + said.stdout
    assert said.returncode and f"the proxy http://127.0.0.1:{port} of the environment does not pass it on" in told
    assert "secret" not in told


@pytest.mark.parametrize(("name", "limit"), [("ernie-1.0", 513), ("ernie-m-base", 512)])
def test_a_text_longer_than_the_model_takes_is_said_when_the_spec_is_checked(
    tmp_path: Path, name: str, limit: int
) -> None:
    steps = f"  - pretrained: {{name: {name}}}\n  - dataset: {{name: cmrc2018}}\n  - finetune: {{max_seq_len: 1024}}\n"
    [said] = problems(tmp_path, spec(steps))
    assert f"max_seq_len 1024 is above the {limit} positions of the model of `pretrained`: lower it" in said

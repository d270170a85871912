"""The files of an entry, from its publisher or a mirror: all of them, checked, or one line with what to bring."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from published import Files, answers, server
from published_models import md5, tar

from ernie_core.catalogue import download, fetch, mirror, models
from ernie_core.catalogue.entries import Entry, File, Member
from ernie_core.catalogue.fetch import Source
from ernie_core.errors import BadInput, Denied, Error, NotFound, Unreachable

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "STRANGER", 0.2)
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site() -> Iterator[Files]:
    with server(weights=b"w" * 1000, vocab=b"v\n") as files:
        yield files


def small(site: Files, **known: Any) -> Entry:
    files = (File("model_state.pdparams", f"{site.url}/weights", **known), File("vocab.txt", f"{site.url}/vocab"))
    return Entry("small", "models", files, "Apache-2.0", {"config": {"layers": 1}})


def source(tmp_path: Path, mirror: str = "") -> Source:
    return Source(tmp_path / "cache", mirror, tell=lambda _: None)


def brought(entry: Entry, tmp_path: Path, mirror: str = "") -> dict[str, bytes]:
    folder = tmp_path / "out"
    folder.mkdir()
    fetch.bring(entry, folder, source(tmp_path, mirror))
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def refused(entry: Entry, tmp_path: Path, kind: type[Error], mirror: str = "") -> str:
    with pytest.raises(kind) as caught:
        brought(entry, tmp_path, mirror)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(tmp_path), "TMP")


def test_files_come_from_their_publisher(site: Files, tmp_path: Path) -> None:
    assert brought(small(site), tmp_path) == {"model_state.pdparams": b"w" * 1000, "vocab.txt": b"v\n"}
    assert {path for path, _ in site.asked} == {"/weights", "/vocab"}


def test_a_mirror_is_the_only_source(site: Files, tmp_path: Path) -> None:
    site.content["/m/models/small/model_state.pdparams"] = b"mirrored"
    site.content["/m/models/small/vocab.txt"] = b"v\n"
    assert brought(small(site), tmp_path, f"{site.url}/m/")["model_state.pdparams"] == b"mirrored"
    assert {path for path, _ in site.asked} == {"/m/models/small/model_state.pdparams", "/m/models/small/vocab.txt"}


def test_a_mirror_may_be_a_folder(site: Files, tmp_path: Path) -> None:
    folder = tmp_path / "m/models/small"
    folder.mkdir(parents=True)
    (folder / "model_state.pdparams").write_bytes(b"of a disk")
    (folder / "vocab.txt").write_bytes(b"v\n")
    assert brought(small(site), tmp_path, str(tmp_path / "m"))["model_state.pdparams"] == b"of a disk"
    assert not site.asked


def test_a_mirror_may_hold_links_as_caches_do(site: Files, tmp_path: Path) -> None:
    folder = tmp_path / "m/models/small"
    folder.mkdir(parents=True)
    (tmp_path / "m/blobs").mkdir()
    for name in ("model_state.pdparams", "vocab.txt"):
        (tmp_path / "m/blobs" / name).write_bytes(name.encode())
        (folder / name).symlink_to(Path("../../blobs") / name)
    assert brought(small(site), tmp_path, str(tmp_path / "m"))["vocab.txt"] == b"vocab.txt"


def test_what_a_mirror_does_not_have_is_named_with_its_place(site: Files, tmp_path: Path) -> None:
    said = refused(small(site), tmp_path, NotFound, str(tmp_path / "m"))
    assert said == (
        "TMP/m/models/small/model_state.pdparams: there is no such file; bring `model_state.pdparams` "
        f"({site.url}/weights) to models/small/model_state.pdparams of TMP/m; or give a folder with config.json, "
        "model_state.pdparams, vocab.txt as an input: `inputs: {mine: {model_files: FOLDER}}` and `from: mine`"
    )


@pytest.mark.parametrize("value", ["https://host:port/m", "https://[::1/m", "https:///m"])
def test_an_address_that_no_mirror_can_have_is_said_with_the_forms_that_one_has(value: str) -> None:
    with pytest.raises(ValueError, match="a mirror is a folder"):
        mirror.address(value, Path())


def test_a_mirror_with_another_file_is_refused(site: Files, tmp_path: Path) -> None:
    folder = tmp_path / "m/models/small"
    folder.mkdir(parents=True)
    (folder / "model_state.pdparams").write_bytes(b"another")
    said = refused(small(site, md5=md5(b"w" * 1000)), tmp_path, BadInput, str(tmp_path / "m"))
    assert f"has the md5 {md5(b'another')} instead of {md5(b'w' * 1000)}: it is another file" in said


def test_without_a_network_the_message_names_the_file_and_its_place(tmp_path: Path) -> None:
    with server() as gone:
        pass
    said = refused(small(gone), tmp_path, Unreachable)
    assert said.startswith(f"{gone.url}/weights: no connection (Connection refused); bring `model_state.pdparams` ")
    assert "to models/small/model_state.pdparams of a mirror (`mirror:` in site.yaml" in said
    assert "`inputs: {mine: {model_files: FOLDER}}` and `from: mine`" in said


def test_a_second_call_reads_nothing_again_until_it_is_forgotten(site: Files, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        fetch.bring(small(site), tmp_path / name, source(tmp_path))
    assert len(site.asked) == 2
    fetch.forget(small(site), source(tmp_path))
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert {path.suffix for path in left} == {".lock"}
    assert (tmp_path / "a" / "vocab.txt").read_bytes() == b"v\n"


def test_an_archive_gives_its_members(site: Files, tmp_path: Path) -> None:
    packed = tar({"set/train.tsv": b"t", "set/more": b"m"})
    site.content["/set.tar.gz"] = packed
    members = (Member("set/train.tsv", "train.tsv", md5(b"t")),)
    entry = Entry("set", "datasets", (File("set.tar.gz", f"{site.url}/set.tar.gz", md5=md5(packed), members=members),))
    assert brought(entry, tmp_path) == {"train.tsv": b"t"}


def repository(site: Files, monkeypatch: pytest.MonkeyPatch, *names: str) -> Entry:
    monkeypatch.setenv("HF_ENDPOINT", site.url)
    for name in names:
        site.content[f"/me/small/resolve/{COMMIT}/{name}"] = name.encode()
    return models.entry(f"hf://me/small@{COMMIT}")


def test_a_repository_gives_one_config_one_form_of_weights_and_the_tokenizer(
    site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("config.json", "pytorch_model.bin", "model.safetensors", "vocab.txt", "tokenizer_config.json")
    entry = repository(site, monkeypatch, *names)
    assert sorted(brought(entry, tmp_path)) == sorted(set(names) - {"pytorch_model.bin"})


def test_a_repository_without_weights_is_said(site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = repository(site, monkeypatch, "config.json", "vocab.txt")
    said = refused(entry, tmp_path, NotFound).replace(site.url, "SITE")
    assert said.startswith(
        f"SITE/me/small/resolve/{COMMIT}: has none of model.safetensors, pytorch_model.bin, model_state.pdparams: "
        "weights that are in several files, with an index, are read from a folder alone; bring `model.safetensors` "
    )


def test_a_repository_that_is_not_there_is_said(site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(repository(site, monkeypatch), tmp_path, NotFound).replace(site.url, "SITE")
    assert said.startswith(
        f"SITE/me/small/resolve/{COMMIT}: has none of config.json, model_config.json: check owner, name and commit; "
    )


def test_a_mirror_without_a_repository_names_the_file_to_bring(
    site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"huggingface/me/small/{COMMIT}"
    said = refused(repository(site, monkeypatch), tmp_path, NotFound, str(tmp_path / "m"))
    assert said.startswith(f"TMP/m/{place}: has none of config.json, model_config.json: check owner, name and commit; ")
    assert f"to {place}/config.json of TMP/m" in said


def test_a_repository_that_is_not_public_wants_a_token(
    site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.always = answers(401)
    said = refused(repository(site, monkeypatch), tmp_path, Denied)
    assert "access is refused (401); set $HF_TOKEN if the repository is not public; or bring `config.json`" in said


def test_a_redirect_to_storage_is_followed(site: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = repository(site, monkeypatch, "config.json", "model.safetensors", "vocab.txt")
    site.content["/storage"] = b"{}"
    site.tricks = [answers(302, Location="/storage?Signature=secret")]
    assert brought(entry, tmp_path)["config.json"] == b"{}"


@pytest.mark.parametrize("revision", ["", "@main", "@v1.0", f"@{COMMIT[:7]}", f"@{COMMIT}x"])
def test_a_revision_that_can_move_is_refused(revision: str) -> None:
    with pytest.raises(BadInput, match="name the commit, `hf://me/small@` and 40 hex digits"):
        models.entry(f"hf://me/small{revision}")


@pytest.mark.parametrize("value", ["huggingface.co", "https://", "https://host:port", "https://[::1", "ftp://host"])
def test_an_endpoint_that_is_no_address_is_said(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", value)
    with pytest.raises(BadInput, match=r"\$HF_ENDPOINT `.*` is no address of HTTP: correct it, `https://host`"):
        models.entry(f"hf://me/small@{COMMIT}")


@pytest.mark.parametrize("name", ["hf://", "hf://me", "hf://../small@main", "hf://me/small/x", "hf://me/sm all"])
def test_what_is_no_repository_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is no address of a model there"):
        models.entry(name)


@pytest.mark.parametrize("name", ["s3://bucket/models/x/*", "/models/x", "./x", "https://host/x"])
def test_files_are_an_input_and_no_name(name: str) -> None:
    with pytest.raises(BadInput, match="is no name: files are an input") as caught:
        models.entry(name)
    assert f"`inputs: {{mine: {{model_files: {name}}}}}`" in str(caught.value)


def test_identity_is_that_of_the_content_not_of_its_place(site: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"sha256": "0" * 64}
    file, moved = File("a", "https://host/a", **known), File("a", "https://other/a", **known)
    assert Entry("x", "models", (file,)).identity == Entry("x", "models", (moved,)).identity
    assert Entry("x", "models", (file,)).identity != Entry("x", "models", (File("a", "https://host/a"),)).identity
    unknown = [Entry("x", "models", (File("a", url),)).identity for url in ("https://host/a", "https://other/a")]
    assert unknown[0] != unknown[1]
    there = models.entry(f"hf://me/small@{COMMIT}").identity
    assert repository(site, monkeypatch).identity == there


def test_where_a_model_came_from_is_noted_alike_for_every_source(site: Files, tmp_path: Path) -> None:
    rows = [{"name": "vocab.txt", "size": 2, "sha256": "0" * 64}]
    models.note(small(site), rows, tmp_path)
    noted = json.loads((tmp_path / models.NOTE).read_text())
    assert noted == {"name": "small", "licence": "Apache-2.0", "files": [{**rows[0], "url": f"{site.url}/vocab"}]}
    models.note(models.entry(f"hf://me/small@{COMMIT}"), rows, tmp_path)
    assert json.loads((tmp_path / models.NOTE).read_text())["name"] == f"hf://me/small@{COMMIT}"


def test_a_person_can_pin_what_the_catalogue_does_not_know(site: Files, tmp_path: Path) -> None:
    wrong = models.pinned(small(site), {"vocab.txt": "0" * 64})
    assert "vocab: has the sha256" in refused(wrong, tmp_path, BadInput)
    with pytest.raises(BadInput, match=r"sha256 of `vocab.tx`: no such file, did you mean `vocab.txt`?"):
        models.pinned(small(site), {"vocab.tx": "0" * 64})

"""Steps that are cut: shared out among processes, the same for any number of them, and only the open piece is lost."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from machines import SENTENCES, Machine, wait_for
from servers import seaweed

STEPS = (
    "  - segment: {{shards: {0}}}\n  - vocab: {{size: 3000, english_size: 0, han: seen, shards: {0}}}\n"
    "  - ids: {{shards: {0}}}\n"
)


def write_text(machine: Machine, mebibytes: float) -> None:
    """Files of text which, together, are of this size: three of lines, one of JSON lines."""
    block = "\n".join([*SENTENCES[:4], "", *SENTENCES[2:], "", ""])
    count = int(mebibytes * 2**20 / 4 / len(block.encode()))
    for n in range(3):
        text = "".join(block.replace("很", f"很{n * count + i}") for i in range(count))
        (machine.folder / "corpus" / f"{n}.txt").write_text(text, encoding="utf-8")
    rows = (json.dumps({"text": block.replace("他", f"他{i}")}, ensure_ascii=False) for i in range(count))
    (machine.folder / "corpus" / "3.jsonl").write_text("\n".join(rows), encoding="utf-8")
    spec = machine.spec("  - segment:\n")
    spec.write_text(spec.read_text().replace("corpus/*.txt", "corpus/*"), encoding="utf-8")


def steps(machine: Machine, text: str) -> None:
    spec = machine.folder / "demo.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").partition("steps:")[0] + f"steps:\n{text}", encoding="utf-8")


def digests(machine: Machine) -> dict[str, list[tuple[str, str]]]:
    """Address -> names and SHA-256 of its files."""
    found = {}
    for row in json.loads(machine.kfp("ls", "--store", "store", "--json").stdout):
        shown = json.loads(machine.kfp("ls", row["artefact"], "--store", "store", "--json").stdout)
        found[row["artefact"]] = [(file["name"], file["sha256"]) for file in shown["files"]]
    return found


def test_the_artefacts_are_the_same_for_any_number_of_shards_and_workers(machine: Machine) -> None:
    write_text(machine, 9)
    results = []
    for shards, cores in ((1, 1), (2, 2), (7, 2), (7, 1)):
        (machine.folder / "site.yaml").write_text(f"cpus: {cores}\n")
        steps(machine, STEPS.format(shards))
        machine.kfp("run", "demo.yaml")
        results.append(digests(machine))
        os.rename(machine.folder / "store", machine.folder / f"store-{shards}-{cores}")
    assert len(results[0]) == 3, "pieces are gone once they are joined"
    words = next(files for address, files in results[0].items() if address.startswith("segment/"))
    assert sum(name.startswith("part-") for name, _ in words) > 2
    assert all(found == results[0] for found in results)


def test_a_killed_shard_is_named_and_only_what_it_was_at_is_made_again(machine: Machine) -> None:
    write_text(machine, 5)
    (machine.folder / "site.yaml").write_text("cpus: 2\n")
    steps(machine, "  - segment: {tool: seg, shards: 2}\n")
    runner = machine.start("run", "demo.yaml")
    place = machine.folder / "store" / "segment"
    small = wait_for(lambda: next(place.glob("*/piece-*/MANIFEST.json"), None))
    pid = wait_for(lambda: shard_pid(machine))
    os.kill(pid, signal.SIGKILL)
    _, err = runner.communicate(timeout=60)
    assert runner.returncode == 1
    assert "of 2 was killed by SIGKILL, most likely out of memory: raise `memory:`; run again" in err
    before = small.stat().st_mtime_ns
    assert machine.plan() == {"segment": "resume"}
    assert "1 piece made before" in machine.kfp("plan", "demo.yaml").stdout
    runner = machine.start("run", "demo.yaml")
    wait_for(lambda: len(list(place.glob("*/piece-*/MANIFEST.json"))) == 2 or place.glob("*/MANIFEST.json"))
    assert not small.exists() or small.stat().st_mtime_ns == before
    assert runner.wait(timeout=120) == 0
    assert not list(place.glob("*/piece-*"))


def test_a_shard_that_takes_more_than_its_memory_is_ended(machine: Machine) -> None:
    write_text(machine, 9)
    steps(machine, "  - segment: {tool: seg, shards: 2, memory: 20MiB}\n")
    done = machine.kfp("run", "demo.yaml", check=1)
    assert "of memory, it has 20.0 MiB: raise `memory:`" in done.stderr


def test_an_unreadable_text_is_reported_as_without_shards(machine: Machine) -> None:
    write_text(machine, 9)
    with (machine.folder / "corpus" / "3.jsonl").open("a") as file:
        file.write("\n" + "{]\n" * 2000)
    steps(machine, "  - segment: {shards: 3}\n")
    assert "3.jsonl:" in machine.kfp("run", "demo.yaml", check=1).stderr


def test_only_steps_that_are_cut_take_shards(machine: Machine) -> None:
    machine.spec("  - segment:\n  - vocab: {size: 3000}\n  - ids: {nodes: 2}\n  - pretrain: {shards: 2}\n")
    said = machine.kfp("check", "demo.yaml", check=2).stdout
    assert "steps.2.ids.nodes: `ids` is not trained by several processes, leave `nodes` out" in said
    assert "steps.3.pretrain.shards: `pretrain` cannot be split, leave `shards` out" in said
    assert "size 3000 is too small: with `han: all` make it at least 21" in said


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with seaweed(tmp_path_factory.mktemp("seaweed")) as (_, environment):
        yield environment


def test_text_streams_from_a_bucket_and_the_result_is_that_of_files(
    machine: Machine, s3: dict[str, str], tmp_path: Path
) -> None:
    write_text(machine, 5)
    steps(machine, STEPS.format(2))
    machine.kfp("run", "demo.yaml")
    here = digests(machine)
    machine.environment = s3
    upload(machine, s3, tmp_path.name)
    spec = (machine.folder / "demo.yaml").read_text(encoding="utf-8")
    spec = spec.replace("corpus/*", f"s3://store/{tmp_path.name}/corpus/*").replace(
        "store: store", "store: s3://store/x"
    )
    (machine.folder / "demo.yaml").write_text(spec, encoding="utf-8")
    machine.kfp("run", "demo.yaml")
    rows = json.loads(machine.kfp("ls", "--store", "s3://store/x", "--json").stdout)
    there = {}
    for row in rows:
        shown = json.loads(machine.kfp("ls", row["artefact"], "--store", "s3://store/x", "--verify", "--json").stdout)
        assert not shown["problems"]
        there[row["kind"]] = [(file["name"], file["sha256"]) for file in shown["files"]]
    # addresses differ: S3 knows an object by its etag, a disk by its SHA-256
    assert sorted(there.values()) == sorted(here.values())
    cached = [path for path in machine.home.rglob("part-*") if "artefacts" in path.parts]
    assert not [path for path in cached if path.suffix == ".jsonl"], "words are read from where they are"


def upload(machine: Machine, environment: dict[str, str], prefix: str) -> None:
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment.get("AWS_REGION", "us-east-1"),
    )
    for file in sorted((machine.folder / "corpus").iterdir()):
        client.upload_file(str(file), "store", f"{prefix}/corpus/{file.name}")


def shard_pid(machine: Machine) -> int | None:
    """A shard of this machine's run that still works."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--shard" in words and any(str(machine.home).encode() in w for w in words):
            return int(entry.parent.name)
    return None

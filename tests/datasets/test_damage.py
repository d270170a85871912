"""Whatever is in the files: examples, or one error that a person can act on."""

import contextlib
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled import Made, lines, write

from ernie_core.errors import BadInput
from ernie_core.tasks import task
from ernie_core.tasks.recipe import FinetuneRecipe

TABLE = "text\tlabel\n" + "".join(f"文 {i}\t{'ab'[i % 2]}\n" for i in range(6))
CLUE = lines(*({"sentence": f"题{i}", "label": 100 + i, "label_desc": "news", "id": i} for i in range(4)))
WSC = lines(*(
    {"text": f"小明{i}等他。", "label": "true", "target":
        {"span1_text": "小明", "span1_index": 0, "span2_text": "他", "span2_index": 4}} for i in range(4)
))  # fmt: skip
CASES = {
    "tsv": ("train.tsv", TABLE),
    "csv": ("train.csv", TABLE.replace("\t", ",")),
    "chnsenticorp": ("train.tsv", TABLE.replace("text\t", "text_a\t").replace("\ta", "\t0").replace("\tb", "\t1")),
    "clue/tnews": ("train.json", CLUE),
    "clue/cluewsc2020": ("train.json", WSC),
}
BYTES = st.sampled_from(
    [b"", b"\t", b"\n", b"\r", b'"', b"\xff", b"\0", b"{", b"}", b"[", b",", b"1", b"\\ud83d", b"null"]
)


@pytest.mark.parametrize("name", CASES)
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), BYTES), min_size=1, max_size=4), auto=st.booleans())
@settings(max_examples=60, deadline=None)
def test_damage_is_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, name: str, edits: list[tuple[float, int, bytes]], auto: bool
) -> None:
    folder: Path = tmp_path_factory.mktemp("damage")
    file, content = CASES[name]
    raw = content.encode()
    for place, removed, inserted in edits:
        at = int(place * len(raw))
        raw = raw[:at] + inserted + raw[at + removed :]
    with contextlib.suppress(BadInput):
        # with dev undamaged, so that there is one
        write(folder / "raw", {file: raw, file.replace("train", "dev"): content})
        made = Made(folder / "raw", format="auto" if auto else name, max_rejected=1.0)
        of_data = task.find("sequence_classification").of_data(made.folder, FinetuneRecipe())
        assert len(of_data.read(made.folder, "train")) == made.scores["train"], "what is written can be read"
    shutil.rmtree(folder)

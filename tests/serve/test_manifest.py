"""`serving.json`: the same file as ever for a classifier, and written again as it was read."""

import json
from pathlib import Path

from ernie_core.serve import manifest

FIELDS = ["engines", "format", "inputs", "max_seq_len", "precision", "probe", "task", "text_pair"]


def test_the_file_of_a_classifier_is_that_of_format_1(exported: Path) -> None:
    said = json.loads((exported / "serving.json").read_text(encoding="utf-8"))
    assert list(said) == FIELDS
    assert (said["format"], said["task"], said["max_seq_len"]) == (1, "sequence_classification", 16)
    assert (said["text_pair"], said["precision"], said["engines"]) == (False, "int8", ["fastdeploy", "onnxruntime"])
    assert said["inputs"] == [{"dtype": "int64", "name": name} for name in ("input_ids", "token_type_ids")]
    assert list(said["probe"]) == ["logits", "logits_together", "texts", "tolerance"]
    assert said["probe"]["texts"][1] == "不好！"
    assert [len(row) for row in said["probe"]["logits_together"]] == [2] * 4


def test_what_is_read_is_written_again_with_the_same_bytes(
    exported: Path, exported_pairs: Path, tmp_path: Path
) -> None:
    for folder in (exported, exported_pairs):
        manifest.write(manifest.read(folder), tmp_path)
        assert (tmp_path / "serving.json").read_bytes() == (folder / "serving.json").read_bytes()
    assert manifest.read(exported_pairs).probe.texts[1] == ("不好！", "房间很干净，服务员也热情。")

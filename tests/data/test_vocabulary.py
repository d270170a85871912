"""The vocabulary of id files, as sampling reads it."""

import pieces
import pytest

from ernie_core.data import vocabulary
from ernie_core.errors import BadInput

LINES = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "a", "[MASK]"]


@pytest.mark.parametrize("sentencepiece", [False, True])
@pytest.mark.parametrize(("line", "said"), [("", r"vocab\.txt:5: an empty line"), ("a", "`a` occurs twice")])
def test_a_line_that_is_no_token_of_its_own_is_refused(tmp_path, sentencepiece, line, said):
    (tmp_path / "vocab.txt").write_text("\n".join([*LINES[:4], line, *LINES[4:]]) + "\n", encoding="utf-8")
    if sentencepiece:
        (tmp_path / "sentencepiece.bpe.model").write_bytes(pieces.written([("<unk>", 0.0, 2), ("a", -1.0, 1)]))
    with pytest.raises(BadInput, match=said):
        vocabulary.read(tmp_path)

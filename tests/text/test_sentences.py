"""Where sentences end."""

import pytest

from ernie_core.text import sentences


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("甲。乙", ["甲。", "乙"]),
        ("甲？乙！丙；丁", ["甲？", "乙！", "丙；", "丁"]),
        ("甲?乙!丙;丁", ["甲?", "乙!", "丙;", "丁"]),
        ("甲。。。乙！！！", ["甲。", "乙！"]),
        ("甲？！乙", ["甲？", "！", "乙"]),
        ("甲。   乙", ["甲。", "乙"]),
        ("甲。\u3000乙", ["甲。", "\u3000乙"]),
        ("a  b   c", ["a b c"]),
        ("甲\n\n  乙\n", ["甲", "乙"]),
        ("3.14. ok", ["3.14. ok"]),
        ("“甲。”乙", ["“甲。", "”乙"]),
        ("http://a?b;c", ["http://a?", "b;", "c"]),
        ("甲\n\u3000\n乙", ["甲", "\u3000", "乙"]),
        ("甲\u2028乙", ["甲\u2028乙"]),
        ("", []),
        ("\n \n", []),
        ("甲 \n", ["甲 "]),
    ],
)
def test_sentences_end_at_marks_and_lines(document, found):
    assert sentences.split(document) == found

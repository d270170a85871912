"""The words of a text, and where they are: those that the tokenizer would make tokens of."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ernie_core.text import normalise, offsets

LETTERS = "abcdeé12"
TEXTS = st.text(
    st.one_of(st.sampled_from("我你好，.! \t\u3000-İßéÅ\u0301\u200b\x00A" + LETTERS), st.characters()), max_size=20
)


def test_words_are_ideographs_marks_and_runs_of_letters() -> None:
    text = "我爱 New York-City，3.5元"
    assert [text[start:end] for start, end in offsets.words(text)] == [
        "我", "爱", "New", "York", "-", "City", "，", "3", ".", "5", "元"
    ]  # fmt: skip


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_words_are_the_parts_of_the_pieces(text: str) -> None:
    parts = [part for piece in normalise.pieces(text) for part in normalise.parts(piece)]
    words = offsets.words(text)
    assert len(words) == len(parts)
    assert all(0 <= start < end <= len(text) for start, end in words)
    assert words == sorted(words)

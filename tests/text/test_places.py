"""The characters of tokens and words: ids are those of `encode`, and every token lies where it came from."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ernie_core.text import normalise
from ernie_core.text import places as text_places
from ernie_core.text.tokenizer import SPECIALS, Tokenizer

LETTERS = "abcdeé12"
TOKENIZER = Tokenizer((*SPECIALS, *"我你好，.!-", *"abcde12", *(f"##{c}" for c in "abcde12"), "abc", "##cde", "12"))
TEXTS = st.text(
    st.one_of(st.sampled_from("我你好，.! \t\u3000-İßéÅ\u0301\u200b\x00A" + LETTERS), st.characters()), max_size=20
)


def shown(text: str) -> list[tuple[str, str]]:
    ids, places = text_places.tokens(text, TOKENIZER)
    return [(TOKENIZER.vocab[number], text[start:end]) for number, (start, end) in zip(ids, places, strict=True)]


def test_tokens_of_several_characters_know_theirs() -> None:
    assert shown("我 ABCDE，12.") == [
        ("我", "我"), ("abc", "ABC"), ("##d", "D"), ("##e", "E"), ("，", "，"), ("12", "12"), (".", ".")
    ]  # fmt: skip
    assert shown("e\u0301a") == [("e", "e"), ("##a", "a")]
    assert shown("好xyz好") == [("好", "好"), ("[UNK]", "xyz"), ("好", "好")]
    assert shown("a\u200bb") == [("a", "a"), ("##b", "b")]
    assert shown(" \x00\t") == []


def test_words_are_ideographs_marks_and_runs_of_letters() -> None:
    text = "我爱 New York-City，3.5元"
    assert [text[start:end] for start, end in text_places.words(text)] == [
        "我", "爱", "New", "York", "-", "City", "，", "3", ".", "5", "元"
    ]  # fmt: skip


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_the_ids_are_those_of_encode_and_places_are_in_order(text: str) -> None:
    ids, places = text_places.tokens(text, TOKENIZER)
    assert ids == TOKENIZER.encode(text)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_words_are_the_parts_of_the_pieces(text: str) -> None:
    parts = [part for piece in normalise.pieces(text) for part in normalise.parts(piece)]
    words = text_places.words(text)
    assert len(words) == len(parts)
    assert all(0 <= start < end <= len(text) for start, end in words)
    assert words == sorted(words)

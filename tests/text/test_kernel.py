"""The compiled kernel gives the ids of the Python code: on real words, on every code point, and on generated lines."""

import json
import os
import random
import subprocess
import sys

import generated
import pytest

from ernie_core.errors import BadInput
from ernie_core.text import unicode_table, wordcut
from ernie_core.text.basics import SPECIALS
from ernie_core.text.ids import kernel
from ernie_core.text.ids.kernel import BadLine, Encoder
from ernie_core.text.wordpiece.tokenizer import WordPieceTokenizer

pytest.importorskip("ernie_core.text.ids._ids")


@pytest.fixture(scope="module", params=kernel.MARKINGS)
def pair(request) -> tuple[Encoder, Encoder]:
    """The kernel and the code that it must equal."""
    known = generated.tokenizer()
    return kernel.make(known, request.param), kernel.Slow(known, request.param)


def as_line(text: str, ascii_only: bool = False) -> bytes:
    return json.dumps({"text": text}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") + b"\n"


def same(pair: tuple[Encoder, Encoder], texts: list[str]) -> None:
    """Both encoders give the same for texts, for JSON, and for JSON with everything escaped."""
    fast, slow = pair
    expected = [slow.encode_text(text) for text in texts]
    for text, encoded in zip(texts, expected, strict=True):
        assert fast.encode_text(text) == encoded, text
    lines = b"".join(map(as_line, texts))
    assert fast.encode(lines) == slow.encode(lines)
    escaped = b"".join(as_line(text, ascii_only=True) for text in texts)
    assert fast.encode(escaped) == slow.encode(escaped)


def test_generated_lines_get_the_same_ids(pair):
    same(pair, list(generated.lines(1, 4000)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_generated_lines_get_the_same_ids(pair, seed):
    same(pair, list(generated.lines(seed, 12_000)))


def test_generated_documents_of_several_sentences_get_the_same_ids(pair):
    lines = list(generated.lines(50, 2000))
    same(pair, ["\n".join(lines[n : n + n % 7]) for n in range(0, 2000, 7)])


def test_words_that_overlap_repeat_and_crowd_get_the_same_ids(pair):
    dice, texts = random.Random(8), []
    for _ in range(600):
        letters = dice.choice(("研究", "研究生", "研究生命犇", "研究a", "研豈\uf900", "研 "))
        words = ["".join(dice.choices(letters, k=dice.randint(1, 8))) for _ in range(dice.choice((3, 30, 300)))]
        texts.append(dice.choice(("", "", "\u3000", "  ")) + " ".join(words) + dice.choice(("", "", "\t", " ")))
    same(pair, texts)


def test_code_points_of_common_scripts_get_the_same_ids(pair):
    same(pair, ["\n".join(line for line in generated.every_code_point() if ord(line[0]) in range(0x2000, 0x3400))])


@pytest.mark.slow
def test_every_code_point_gets_the_same_ids(pair):
    texts = list(generated.every_code_point())
    same(pair, ["\n".join(texts[n : n + 500]) for n in range(0, len(texts), 500)])


@pytest.mark.parametrize("marking", kernel.MARKINGS)
def test_real_words_get_the_same_ids(words, tokenizer, marking):
    fast, slow = kernel.make(tokenizer, marking), kernel.Slow(tokenizer, marking)
    data = wordcut.parts(words)[-1].read_bytes()
    sample = data[: data.index(b"\n", 1 << 20) + 1]
    assert fast.encode(sample) == slow.encode(sample)


@pytest.mark.slow
@pytest.mark.parametrize("marking", kernel.MARKINGS)
def test_all_real_words_get_the_same_ids(words, tokenizer, marking):
    fast, slow = kernel.make(tokenizer, marking), kernel.Slow(tokenizer, marking)
    for part in wordcut.parts(words):
        assert fast.encode(part.read_bytes()) == slow.encode(part.read_bytes())


def test_ids_that_need_32_bits_are_the_same():
    wide = WordPieceTokenizer((*SPECIALS, "研", "究", "b", *(f"a{n}" for n in range(65536)), "##究"))
    for marking in kernel.MARKINGS:
        same((kernel.make(wide, marking), kernel.Slow(wide, marking)), ["研究 a65535 b", "b研"])


def test_a_line_that_ends_without_a_newline_is_read(pair):
    fast, slow = pair
    assert fast.encode(as_line("研 究")[:-1]) == slow.encode(as_line("研 究"))


PLAIN = [
    '{"text": "研究 a\\n究"}',
    ' { "id" : 1 , "text" : "研" } \r',
    '{"text": "研", "meta": {"a": [1, -2.5e+3, true, false, null, {"text": "x"}, [], {}], "b": "\\u00e9\\"}"}}',
    '{"title": "研究", "text": "a\\/b\\"\\\\ \\b\\f\\r\\t研\\u7814\\u7A76 \\n\\u000a究"}',
    '{"text": "a", "text": "研"}',
    '{"te\\u0078t": "研"}',
    '{"text": "\\ud83d\\ude00 \\ud800 \\udc00\\ud800 \\ud800\\u7814 \\ud83d\\\\ude00"}',
    '{"text": ""}',
    '{"text": "\\n\\n"}',
    '{"text": "研\\\\n究\\\\"}',
    '{"x": NaN, "y": -Infinity, "text": "研"}',
    '{"x": ' + "[" * 80 + "]" * 80 + ', "text": "研"}',
    '{"x": 0.5E-7, "text": "研"}',
]


@pytest.mark.parametrize("line", PLAIN)
def test_json_is_read_as_python_reads_it(pair, line):
    fast, slow = pair
    lines = as_line("研 究") + line.encode() + b"\n" + as_line("a b")
    assert fast.encode(lines) == slow.encode(lines)
    assert fast.encode(lines).count["documents"] >= 2


BAD = [
    b"",
    b"[]",
    b'"text"',
    b'{"text": 5}',
    b'{"text": null}',
    b'{"txt": "a"}',
    b'{"text": "a"',
    b'{"text": "a',
    b'{"text": "a"}}',
    b'{"text": "a",}',
    b'{"text" "a"}',
    b'{text: "a"}',
    b'{"text": "a\\"}',
    b'{"text": "\\x"}',
    b'{"text": "\\u12"}',
    b'{"text": "\\u12',
    b'{"text": "\\ud800\\u"}',
    b'{"text": "\\',
    b'{"text": "a\tb"}',
    b'{"text": "a\0b"}',
    b'{"text": "\xe7\xa0"}',
    b'{"text": "\xc0\x80"}',
    b'{"text": "\xe0\x80\x80"}',
    b'{"text": "\xf4\x90\x80\x80"}',
    b'{"text": "\xff"}',
    b'{"x": "\xff", "text": "a"}',
    b'{"x": 01, "text": "a"}',
    b'{"x": 1., "text": "a"}',
    b'{"x": -, "text": "a"}',
    b'{"x": tru, "text": "a"}',
    b'{"x": [1 2], "text": "a"}',
    b'{"x": {"a" 1}, "text": "a"}',
    b'{"text": "a"} x',
    b"{" * 3000,
    b'{"x":' + b"[" * 100_000,
]


@pytest.mark.parametrize("line", BAD)
def test_a_line_without_a_text_is_refused_with_its_number(pair, line):
    for encoder in pair:
        with pytest.raises(BadLine, match="line 3") as caught:
            encoder.encode(as_line("研\n究") * 2 + line + b"\n" + as_line("a"))
        assert caught.value.number == 3


def test_lone_surrogates_are_dropped_and_counted(pair):
    for encoder in pair:
        encoded = encoder.encode(b'{"text": "\\ud800\xe7\xa0\x94\xed\xa0\x80\\udfff"}\n')
        assert (len(encoded.ids), encoded.count["lone_surrogates"]) == (2, 3)
        assert "lone_surrogates" not in encoder.encode(as_line("研")).count


def test_another_rule_for_marks_is_refused_by_name():
    with pytest.raises(BadInput, match=r"`megatron`.*positional"):
        kernel.make(generated.tokenizer(), "megatron")


def test_the_file_of_unicode_rules_is_what_this_unicode_version_makes():
    assert unicode_table.PATH.read_text(encoding="ascii").splitlines() == list(unicode_table.lines())


def test_a_code_point_never_becomes_more_code_points_than_it_has_bytes():
    # The kernel makes room for an id for each byte.
    replaced = memoryview(unicode_table.load().replaced).cast("I").tolist()
    at = 0
    while at < len(replaced):
        assert replaced[at + 1] <= len(chr(replaced[at]).encode())
        at += 2 + replaced[at + 1]


def test_without_the_compiled_kernel_python_does_the_work_and_says_so_once():
    code = (
        "import sys; sys.modules['ernie_core.text.ids._ids'] = None\n"
        "import generated; from ernie_core.text.ids import kernel\n"
        "made = [kernel.make(generated.tokenizer()) for _ in range(3)]\n"
        "print({type(m).__name__ for m in made}, len(made[0].encode_text('研 究').ids))"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    environment = {**os.environ, "PYTHONPATH": path}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.strip() == "{'Slow'} 4"
    assert ran.stderr.count("the compiled ernie_core.text.ids._ids is missing") == 1


def test_bytes_that_are_not_utf8_are_dropped_and_counted():
    fast = kernel.make(generated.tokenizer())
    assert isinstance(fast, kernel.Fast)
    encoded = fast.encode_utf8("研".encode() + b"\xff\xe7\xa0" + "究 a\n".encode() + b"\xc0\x80\xf4\x90\x80\x80\xe7")
    assert (encoded.count["tokens"], encoded.count["invalid"]) == (3, 10)
    assert "invalid" not in fast.encode_text("研").count

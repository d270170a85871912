"""Files as people have them: other encodings, other ends of lines, packed files that are none."""

import gzip

import pytest
import zstandard

from ernie_core.data import vocabulary
from ernie_core.errors import BadInput
from ernie_core.text import lines, segment
from ernie_core.text import tokenizer as tokenizers
from ernie_core.text.basics import SPECIALS
from ernie_core.text.jieba import custom
from ernie_core.text.lac import custom as lac_custom

TEXT = "今天天气很好，我们去公园散步。\n价格便宜，物流很快，下次还会买。\n\n这家酒店很差！"


def cut(folder, name: str, content: bytes) -> dict[str, float]:
    (folder / name).write_bytes(content)
    words = folder.with_name(folder.name + "-words")
    words.mkdir(exist_ok=True)
    return segment.files(folder, words)


@pytest.mark.parametrize(
    ("encoded", "found"),
    [
        (TEXT.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16LE"),
        (TEXT.encode("utf-16-be"), "UTF-16BE"),
        ("plain English\r\n".encode("utf-16-le"), "UTF-16LE"),
        ("今天天气".encode("utf-16-be"), "UTF-16BE"),
        (TEXT.encode("utf-32"), "UTF-32"),
        (TEXT.encode(), ""),
        (b"\xef\xbb\xbf" + TEXT.encode(), ""),
        (TEXT.encode("gb18030"), ""),
        (TEXT.encode("big5", errors="ignore"), ""),
        (TEXT.encode()[:50], ""),
        (b"abcd" * 99 + b"\xe9", ""),
        (b"abcd" * 99 + b"\0", ""),
        (b"go\0od\nbad\n", ""),
        (b"", ""),
    ],
)
def test_utf16_is_told_from_utf8_and_gb18030_with_and_without_a_byte_order_mark(encoded, found):
    assert lines.encoding(encoded) == found


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.json", "a.txt.gz"])
def test_a_text_in_utf16_is_refused_with_the_right_iconv(tmp_path, name):
    content = TEXT.encode("utf-16")
    with pytest.raises(BadInput, match=rf"^{name}: this is UTF-16, .* iconv -f UTF-16 -t UTF-8"):
        cut(tmp_path, name, gzip.compress(content) if name.endswith("gz") else content)


def test_a_text_in_gb18030_is_refused_with_its_own_iconv(tmp_path):
    with pytest.raises(BadInput, match="iconv -f GB18030 -t UTF-8"):
        cut(tmp_path, "a.txt", TEXT.encode("gb18030"))


def test_a_byte_order_mark_is_no_word_where_files_were_put_together(tmp_path):
    one = b"\xef\xbb\xbf" + "天气\n".encode()
    assert cut(tmp_path, "a.txt", one + b"\xef\xbb\xbf\n" + one)["documents"] == 2
    (words,) = tmp_path.with_name(tmp_path.name + "-words").glob("part-*")
    assert "\ufeff" not in words.read_text(encoding="utf-8")


def test_a_byte_order_mark_within_json_lines_costs_no_object(tmp_path):
    figures = cut(tmp_path, "a.jsonl", b'{"text": "a"}\n\xef\xbb\xbf{"text": "b"}\n')
    assert (figures["documents"], figures["rejected"]) == (2, 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"one\rtwo\r\rthree\r"),
        ("a.txt", b"one\rtwo"),
        ("a.jsonl", b'{"text": "a"}\r{"text": "b"}\r'),
        ("a.jsonl", b'{"text": "a"}\r\r{"text": "b"}'),
    ],
)
def test_a_file_with_line_ends_of_cr_alone_is_refused_with_the_remedy(tmp_path, name, content):
    with pytest.raises(BadInput, match=rf"^{name}: its lines end in CR alone.*tr '\\r' '\\n'"):
        cut(tmp_path, name, content)


def test_a_carriage_return_in_a_text_with_other_lines_is_no_fault(tmp_path):
    assert cut(tmp_path, "a.txt", b"one\rtwo\r\nthree\r\n")["documents"] == 1


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz", "a.json.zst", "a.txt.zst"])
def test_a_packed_file_of_0_bytes_is_named(tmp_path, name):
    (tmp_path / "good.txt").write_text("天气")
    with pytest.raises(BadInput, match=rf"^{name}: 0 bytes.*fetch it again"):
        cut(tmp_path, name, b"")


def test_a_plain_file_of_0_bytes_is_an_empty_file(tmp_path):
    (tmp_path / "good.txt").write_text("天气")
    assert cut(tmp_path, "a.txt", b"")["files"] == 2


@pytest.mark.parametrize(("name", "packer"), [("a.txt.gz", "gzip"), ("a.txt.zst", "zstd")])
def test_a_file_that_was_never_packed_is_told_from_a_damaged_one(tmp_path, name, packer):
    with pytest.raises(BadInput, match=rf"{name}: begins with e4 bb 8a e5, so it is not a {packer} file"):
        cut(tmp_path, name, TEXT.encode())


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.zst"])
def test_packed_files_that_were_put_together_are_read_as_one_and_rubbish_behind_is_named(tmp_path, name):
    pack = gzip.compress if name.endswith("gz") else zstandard.ZstdCompressor().compress
    both = pack("一\n\n".encode()) + pack("二\n".encode())
    assert cut(tmp_path, name, both)["documents"] == 2
    with pytest.raises(BadInput, match=rf"{name}: damaged at or before byte"):
        cut(tmp_path, name, both + b"rubbish")


@pytest.mark.parametrize("value", ["[" * 100_000, '{"text": ' * 100_000, '{"a": ' + "[" * 100_000])
def test_json_that_is_nested_too_deeply_is_rejected_with_its_line(tmp_path, value):
    with pytest.raises(BadInput, match=r"a\.jsonl:2 not JSON: nested too deeply"):
        cut(tmp_path, "a.jsonl", f'{{"text": "a"}}\n{value}\n'.encode())


@pytest.mark.parametrize("count", ["0", "-3", "+3", "1.5", "1e3", "007", "9" * 16])
def test_a_count_that_is_none_is_named(tmp_path, count):
    (tmp_path / "a.txt").write_text(f"天气\n公园 {count}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"^a\.txt:2: `公园 .*must be a whole number from 1 on"):
        custom.read(tmp_path)
    with pytest.raises(BadInput, match=r"^a\.txt:2: `公园 .*has a count"):
        lac_custom.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("天气\n".encode("utf-16"), "this is UTF-16"),
        ("天气\n公园\n".encode("gb18030"), r"^a\.txt:1: not UTF-8 at byte 0 of the line.*GB18030"),
        ("天气\r公园\r".encode(), "CR alone"),
        ("天气\n公\0园\n".encode(), r"^a\.txt:2: .*NUL"),
    ],
)
def test_a_list_of_words_that_is_no_utf8_text_is_named(tmp_path, content, said):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        custom.read(tmp_path)


@pytest.mark.parametrize("token", ["\u2028", "a\u0085b", "\x1c", "\x0b"])
def test_only_lf_ends_a_line_of_a_vocabulary_for_all_who_read_it(tmp_path, token):
    (tmp_path / "vocab.txt").write_bytes("\ufeff".encode() + "\r\n".join([*SPECIALS, token, "好"]).encode())
    assert tokenizers.open(tmp_path).vocab == (*SPECIALS, token, "好")
    assert vocabulary.read(tmp_path).size == len(SPECIALS) + 2


def test_a_vocabulary_that_is_not_utf8_is_named_with_line_and_byte(tmp_path):
    (tmp_path / "vocab.txt").write_bytes("\n".join([*SPECIALS, "好"]).encode() + b"\nab\xff")
    for read in (tokenizers.open, vocabulary.read):
        with pytest.raises(BadInput, match=r"vocab\.txt:7: not UTF-8 at byte 2 of the line"):
            read(tmp_path)

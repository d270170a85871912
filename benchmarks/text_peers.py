"""The peers of `text.py`: those that are installed, and PaddleNLP's own script if there is a checkout of it."""

import argparse
import contextlib
import functools
import importlib.util
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ways import MB, SLOW, Cost, Peer, Way, launch, version, work

SCRIPT = Path("preprocess/create_pretraining_data.py")
WITHOUT = "not given (`--peer`)"
_LAC = "class LAC:\n    def __init__(self, mode='lac'): pass\n"
"""The script builds both LAC segmenters on import, and their package needs an older Paddle."""


def marked(checkout: Path | None, home: Path, vocab: Path, lines: Sequence[str]) -> Peer:
    """PaddleNLP's script on word-cut sentences: tokens, marks, ids."""
    if checkout is None or not version("paddlenlp"):
        return WITHOUT
    process = _marking(checkout, home, vocab)
    return work("PaddleNLP's script, in process", _size(lines), lambda: [process(line.strip()) for line in lines])


def tokenizers(home: Path, vocab: Path, lines: Sequence[str]) -> tuple[Peer, ...]:
    """Tokenizers without marks: they get plain text, and its size counts as that of the word-cut text."""
    bare, size = [line.replace(" ", "") for line in lines], _size(lines)
    return (_ernie(vocab, bare, size), _hf(home, vocab, bare, size), _tokie(home, bare, size))


def lac(place: Path, texts: Sequence[str]) -> tuple[Peer, Peer]:
    """The released network in Paddle: a sentence at a time, as in the package, and in the fastest batches."""
    if not version("paddlepaddle"):
        return "Paddle not installed", "Paddle not installed"
    import lac_peer

    tags = lac_peer.Peer(place).tags
    name, size = f"Paddle {version('paddlepaddle')}", _size(texts)
    ordered = sorted(texts, key=len)
    batches = [ordered[n : n + 128] for n in range(0, len(ordered), 128)]
    return (
        work(f"{name}, 1 sentence at a time", size, lambda: [tags([text]) for text in texts]),
        work(f"{name}, 128 of one length", size, lambda: [tags(batch) for batch in batches]),
    )


def jieba(texts: Sequence[str]) -> Peer:
    """jieba itself, which is always installed, since ours reads its dictionary."""
    import jieba as package

    size = _size(texts)
    return work(f"jieba {version('jieba')}", size, lambda: [package.lcut(text) for text in texts])


def rjieba(texts: Sequence[str]) -> Peer:
    """jieba in Rust; its words are not always jieba's."""
    if not version("rjieba"):
        return "rjieba not installed"
    import rjieba as package

    size = _size(texts)
    return work(f"rjieba {version('rjieba')}", size, lambda: [package.cut(text) for text in texts])


def counters(path: Path) -> tuple[Way, Way]:
    """A file read by line and counted: per character, as in PaddleNLP's gen_char.py, and per line."""

    def by_character() -> None:
        counts: defaultdict[str, int] = defaultdict(int)
        with path.open(encoding="utf-8") as file:
            for line in file:
                for character in line:
                    counts[character] += 1

    def by_line() -> None:
        counts: Counter[str] = Counter()
        with path.open(encoding="utf-8") as file:
            for line in file:
                counts.update(line)

    size = path.stat().st_size
    return work("a loop over characters", size, by_character), work("`Counter.update`", size, by_line)


class Script:
    """Runs of PaddleNLP's script over all documents and over one: the difference is their cost."""

    def __init__(self, checkout: Path, home: Path, vocab: Path, documents: Sequence[str], *options: str) -> None:
        self._checkout, self._home, self._vocab, self._options = checkout, home, vocab, options
        self._many = _jsonl(home / "many.jsonl", documents)
        self._one = _jsonl(home / "one.jsonl", [documents[0].partition("\n")[0]])
        self.size = self._many.stat().st_size
        self.started: list[float] = []
        self.peaks: list[float] = []

    def way(self) -> Way:
        """Its speed without its start."""
        return Way(f"PaddleNLP's script after its start, {self.size / MB:.1f} MB", self.size, self._difference, SLOW)

    def start(self) -> Way:
        """CPU seconds of its start, from the last `way`, which must be measured before."""
        return Way("PaddleNLP's script, one document", 0, lambda: self.started[-1], SLOW)

    def _difference(self) -> float:
        one, many = self._run(self._one), self._run(self._many)
        self.started.append(one.cpu)
        self.peaks.append(many.peak)
        return many.cpu - one.cpu

    def _run(self, documents: Path) -> Cost:
        arguments: list[str | Path] = [
            "--model_name", self._vocab, "--tokenizer_name", "ErnieTokenizer", "--input_path", documents,
            "--output_prefix", self._home / "made", "--data_format", "JSON", "--split_sentences", "--chinese",
            "--cn_whole_word_segment", "--workers", "1", *self._options,
        ]  # fmt: skip
        return launch([self._checkout / SCRIPT, *arguments], path=_stub(self._home))[0]


def _ernie(vocab: Path, lines: Sequence[str], size: int) -> Peer:
    if not version("paddlenlp"):
        return "PaddleNLP not installed"
    from paddlenlp.transformers import ErnieTokenizer

    theirs = ErnieTokenizer(str(vocab / "vocab.txt"))
    encode = lambda: [theirs.convert_tokens_to_ids(theirs.tokenize(line)) for line in lines]  # noqa: E731
    return work(f"PaddleNLP {version('paddlenlp')} `ErnieTokenizer`", size, encode)


def _hf(home: Path, vocab: Path, lines: Sequence[str], size: int) -> Peer:
    if not version("tokenizers"):
        return "tokenizers not installed"
    from tokenizers import BertWordPieceTokenizer

    bert = BertWordPieceTokenizer(str(vocab / "vocab.txt"), lowercase=True)
    bert.save(str(home / "tokenizer.json"))
    name = f"tokenizers {version('tokenizers')}"
    return work(name, size, lambda: bert.encode_batch(lines, add_special_tokens=False))


def _tokie(home: Path, lines: Sequence[str], size: int) -> Peer:
    if not version("tokie") or not (home / "tokenizer.json").exists():
        return "tokie not installed"
    import tokie

    theirs = tokie.Tokenizer.from_json(str(home / "tokenizer.json"))
    encode: Callable[[], object] = lambda: theirs.encode_batch_flat(lines, add_special_tokens=False)  # noqa: E731
    return work(f"tokie {version('tokie')}", size, encode)


def _size(lines: Sequence[str]) -> int:
    return len("\n".join(lines).encode())


@functools.cache
def _marking(checkout: Path, home: Path, vocab: Path) -> Callable[[str], list[int]]:
    """The work of the script on a sentence."""
    spec = importlib.util.spec_from_file_location("create_pretraining_data", checkout / SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    options = argparse.Namespace(
        tokenizer_name="ErnieTokenizer", model_name=str(vocab), cn_whole_word_segment=True, split_sentences=True,
        chinese=True, cn_splited=True, cn_split_dimer=" ",
    )  # fmt: skip
    with contextlib.redirect_stdout(sys.stderr), _found(_stub(home)):
        spec.loader.exec_module(module)
        module.Converter(options).initializer()
    process: Callable[[str], list[int]] = module.Converter.process
    return process


@contextlib.contextmanager
def _found(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("LAC", None)  # ours looks for the real one


def _stub(home: Path) -> Path:
    folder = home / "stub"
    folder.mkdir(exist_ok=True)
    (folder / "LAC.py").write_text(_LAC)
    return folder


def _jsonl(path: Path, documents: Sequence[str]) -> Path:
    path.write_text("".join(json.dumps({"text": d}, ensure_ascii=False) + "\n" for d in documents), encoding="utf-8")
    return path

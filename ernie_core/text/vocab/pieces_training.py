"""Training a SentencePiece model, in a process of its own.

The package trains in one call that neither handles signals nor lets other threads of Python run. In a process of its
own it can be ended at once, and ends with the one that started it. `python -m ernie_core.text.vocab.pieces_training
PIECES COVERAGE` reads lines of chunk, tab and count from stdin, and writes the model to stdout.
"""

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from ernie_core import runtime
from ernie_core.errors import BadInput, Error, Stopped
from ernie_core.progress import Progress, Stop

_THREADS = 1
"""Sums of floats depend on how they are divided, so the number is fixed; and a step has one core unless its spec says
otherwise."""
_OPTIONS = b"\x1a\x04\x18\x01\x20\x01"
"""In the form of a model: `normalizer_spec { add_dummy_prefix: true, remove_extra_whitespaces: true }`."""
_REFUSED = 3
"""Exit code if the package refuses the text or the number of pieces; it says why."""
_LOOK = 0.05


def run(
    counts: Mapping[str, int], pieces: int, coverage: float, *, scratch: Path | None, progress: Progress, stop: Stop
) -> bytes:
    """The file of a model of at most so many pieces, from the counts of chunks as `chunks.of` makes them.

    BadInput if there is no room for the characters; Stopped soon after `stop` says so.
    """
    with (
        tempfile.TemporaryFile(dir=scratch) as rows,
        tempfile.TemporaryFile(dir=scratch) as model,
        tempfile.TemporaryFile(dir=scratch) as said,
    ):
        rows.writelines(_rows(counts))
        rows.seek(0)
        command = [sys.executable, "-m", __name__, str(pieces), str(coverage)]
        environment = {**os.environ, **runtime.child()}
        process = subprocess.Popen(command, stdin=rows, stdout=model, stderr=said, env=environment)
        try:
            code = _wait(process, len(counts), progress, stop)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        why = said.read().decode(errors="replace").strip()
        if code == _REFUSED:
            raise BadInput(
                f"no vocabulary: {pieces} pieces, size without special tokens, from {len(counts)} different words "
                f"({why}): make size larger, or character_coverage smaller"
            )
        if code == -signal.SIGKILL:
            raise Error("training the pieces was killed: most likely out of memory, raise `memory:` of the step")
        if code:
            raise Error(f"training the pieces ended with exit code {code}: {why[-500:]}")
        model.seek(0)
        return model.read()


def train(rows: Iterable[bytes], pieces: int, coverage: float) -> bytes:
    """The file of a model, trained in this process. RuntimeError of the package if it refuses."""
    import sentencepiece

    found = io.BytesIO()
    # The chunks have their spaces: one that continues what was before it must not get another. Text does.
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(rows), model_writer=found, input_format="tsv", model_type="unigram", vocab_size=pieces,
        character_coverage=coverage, hard_vocab_limit=False, num_threads=_THREADS, minloglevel=2,
        add_dummy_prefix=False, remove_extra_whitespaces=False,
    )  # fmt: skip
    # Of a message that comes twice, protocol buffers merge the fields, and the last value counts.
    return found.getvalue() + _OPTIONS


def _rows(counts: Mapping[str, int]) -> Iterable[bytes]:
    """Rows as SentencePiece reads them; what has no UTF-8, a lone surrogate, is left out."""
    for chunk, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        try:
            yield f"{chunk}\t{n}\n".encode()
        except UnicodeEncodeError:
            continue


def _wait(process: "subprocess.Popen[bytes]", chunks: int, progress: Progress, stop: Stop) -> int:
    """The exit code of a process. Stopped if it has none when `stop` says so."""
    begun = time.monotonic()
    while (code := process.poll()) is None:
        if stop():
            raise Stopped("stopped while the pieces were trained; what was counted is kept")
        progress(round(time.monotonic() - begun), unit="s", doing=f"training pieces on {chunks} different words")
        time.sleep(_LOOK)
    return code


def _main() -> int:
    runtime.end_with_parent(signal.SIGKILL)
    rows = (line.removesuffix(b"\n") for line in sys.stdin.buffer)
    try:
        model = train(rows, int(sys.argv[1]), float(sys.argv[2]))
    except RuntimeError as e:
        message = str(e).rstrip()
        print(message.rsplit("]", 1)[-1].strip() or message, file=sys.stderr)
        return _REFUSED
    sys.stdout.buffer.write(model)
    return 0


if __name__ == "__main__":
    sys.exit(_main())

"""Token ids of a SentencePiece vocabulary: a token that could continue a word has another id where it begins one."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ernie_core.errors import BadInput
from ernie_core.text import wordcut
from ernie_core.text.ids.kernel import LONG, BadLine, Encoded, is_wide, read_line
from ernie_core.text.sentencepiece import rules
from ernie_core.text.sentencepiece.tokenizer import SentencePieceTokenizer


class PiecesEncoder:
    """Encodes the text that words were cut from; where they were cut is not used."""

    def __init__(self, tokenizer: SentencePieceTokenizer, marking: str) -> None:
        if marking != "positional":
            raise BadInput(
                f"marking `{marking}` is for WordPiece vocabularies, this is one of SentencePiece: leave it out"
            )
        self._tokenizer = tokenizer
        extension = rules.extension(tokenizer.vocab)
        self.extension = len(extension)
        self.wide = is_wide(tokenizer.size + self.extension)
        self._beginning = np.arange(tokenizer.size, dtype=np.int32)
        self._beginning[list(extension)] = list(extension.values())

    def encode(self, lines: bytes) -> Encoded:
        """Encode whole JSON lines, a document each. BadLine if one is not an object with a string "text"."""
        texts = []
        for number, line in enumerate(lines.removesuffix(b"\n").split(b"\n"), 1):
            text = read_line(line)
            if text is None:
                raise BadLine(number)
            texts.append(text)
        return self._encode(texts)

    def encode_text(self, text: str) -> Encoded:
        """Encode one document, with a sentence per line."""
        return self._encode([text])

    def _encode(self, texts: Sequence[str]) -> Encoded:
        documents = [[wordcut.whole(sentence) for sentence in text.split("\n") if sentence] for text in texts]
        sizes = np.fromiter(map(len, documents), np.int64, len(documents))
        flat = self._tokenizer.encode_flat([sentence for document in documents for sentence in document])
        ids, lens = np.frombuffer(flat.ids, np.int32), np.frombuffer(flat.counts, np.int32)
        owners = np.repeat(np.arange(len(documents)), sizes)[lens > 0]
        kept = np.bincount(owners, minlength=len(documents))
        found = kept[kept > 0]
        count = Counter(
            documents=len(found),
            dropped_documents=len(documents) - len(found),
            single_sentence_documents=int((found == 1).sum()),
            sentences=len(owners),
            dropped_sentences=len(lens) - len(owners),
            long_sentences=int((lens > LONG).sum()),
            tokens=len(ids),
            unk=int((ids == self._tokenizer.unk_id).sum()),
        )
        if surrogates := sum("\ud800" <= char <= "\udfff" for text in texts if not _encodes(text) for char in text):
            count["lone_surrogates"] = surrogates
        ids = np.where(np.frombuffer(flat.begins, bool), self._beginning[ids], ids)
        stored = ids if self.wide else ids.astype(np.uint16)
        return Encoded(stored.tobytes(), lens[lens > 0].tobytes(), found.astype(np.int64).tobytes(), count)


def _encodes(text: str) -> bool:
    """Whether a text has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

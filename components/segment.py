"""The `segment` step: cut raw Chinese text into words."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from components.contract.base import Files, Here, In, Out, Scores, Step
from components.contract.kinds import CustomWords, Text, Words
from components.contract.scores import Score, several
from components.contract.values import Share

if TYPE_CHECKING:
    from ernie_core.text.pieces import Piece


class Segment(Step):
    """Segment raw Chinese text into words, one sentence per line."""

    image = "text"
    revision: ClassVar[int] = 3
    main_scores: ClassVar[tuple[str, ...]] = ("documents", "sentences", "words", "rejected")
    scores: ClassVar[tuple[Score, ...]] = several(
        "files bytes lines blank_lines objects documents empty_documents damaged_lines rejected skipped_files"
        " sentences words long_sentences single_sentence_documents custom_words"
    )

    tool: Literal["jieba", "lac", "seg"] = "jieba"
    """Word segmenter: `jieba` is the fastest; `lac` and `seg` are the neural networks of Baidu's LAC, its full one and
    its smaller one that only segments."""

    json_key: str = "text"
    """Key of the text in a JSON object; WuDao has it under `content`."""

    max_rejected: Share = 0.001
    """Largest share of unreadable lines and JSON objects, as `0.1%` or 0.001; they are listed, and above it the text
    is refused."""

    def pieces(self, text: Files[Text]) -> "Sequence[Piece]":
        from ernie_core.text import segment

        return segment.pieces(text)

    def run(self, text: Files[Text], custom_words: In[CustomWords] | None, words: Out[Words], here: Here) -> Scores:
        from ernie_core.text import segment

        assert here.piece
        return segment.piece(
            text,
            here.piece.work,
            here.piece.number,
            words,
            tool=self.tool,
            custom_words=custom_words,
            json_key=self.json_key,
            max_rejected=self.max_rejected,
            progress=here.progress,
            stop=here.stop,
        )

    def join(self, made: Sequence[Path], words: Out[Words], **_: object) -> Scores:
        from ernie_core.text import segment

        return segment.join(made, words, tool=self.tool, max_rejected=self.max_rejected)

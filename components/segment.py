"""The `segment` step: cut raw Chinese text into words."""

from typing import Annotated, Literal

from pydantic import Field

from components.base import Here, In, Out, Scores, Step
from components.kinds import Text, Words


class Segment(Step):
    """Cut raw Chinese text into words, one sentence a line."""

    image = "text"

    tool: Literal["jieba"] = "jieba"
    """Word segmenter."""

    max_rejected: Annotated[float, Field(ge=0, le=1)] = 0.001
    """Share of lines with bytes that are not UTF-8 above which the text is refused; up to it they are replaced."""

    def run(self, text: In[Text], words: Out[Words], here: Here) -> Scores:
        from ernie_core.text import segment

        return segment.files(
            text, words, tool=self.tool, max_rejected=self.max_rejected, progress=here.progress, stop=here.stop
        )

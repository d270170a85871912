"""The `clue_report` step: the scores of fine-tunings on CLUE in one table."""

from typing import ClassVar

from components.contract.base import Here, Out, Records, Scores, Step
from components.contract.kinds import Finetuned, Report
from components.contract.scores import Score, share


class ClueReport(Step):
    """Write the best scores of the tasks of CLUE with their settings, beside published ones.

    `clue.txt` has a line of names, a line of scores on dev in percent, and for every task a line
    `TASK result (lr, batch_size, dropout_p)`. Steps are told by their names: `afqmc`, `tnews`, `iflytek`, `cmnli`,
    `ocnli`, `cluewsc2020`, `csl`, `cmrc2018`, `chid`, `c3`.
    """

    image = "text"
    main_scores: ClassVar[tuple[str, ...]] = ("average",)
    scores: ClassVar[tuple[Score, ...]] = (share("average"), share("*", sure=False))

    def run(self, finetuned: Records[Finetuned], report: Out[Report], here: Here) -> Scores:
        from ernie_core.tasks import clue_report
        from ernie_core.tasks.clue_report import Result

        rows = [Result(one.name, one.info.get("scores", {}), one.info.get("settings", {})) for one in finetuned]
        figures = clue_report.write(rows, report)
        print(clue_report.text(rows), end="", flush=True)
        return figures

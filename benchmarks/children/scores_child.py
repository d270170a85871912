"""Our fine-tuning in a separate process, which prints the main score of dev: for ../scores.py."""

import json
import sys
from pathlib import Path

from ernie_core.tasks import known
from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe

asked = json.loads(sys.argv[1])
folders = {name: Path(asked.pop(name)) for name in ("model", "data", "out")}
task = json.loads((folders["data"] / "task.json").read_text(encoding="utf-8"))["task"]
# evaluated once, after the last step, as the other side is
scores = finetune(folders["model"], folders["data"], folders["out"], FinetuneRecipe(**asked, eval_steps=10**6))
main = known.TASKS[task].main
print(main, scores[main])

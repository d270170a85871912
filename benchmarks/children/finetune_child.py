"""Our fine-tuning in a separate process: for ../finetune.py."""

import json
import sys
from pathlib import Path

from ernie_core.tasks.finetune import finetune
from ernie_core.tasks.recipe import FinetuneRecipe

asked = json.loads(sys.argv[1])
recipe = FinetuneRecipe(
    max_seq_len=asked["max_seq_len"], batch_size=asked["batch_size"], max_steps=asked["steps"], eval_steps=10**6
)
finetune(Path(asked["model"]), Path(asked["data"]), Path(asked["out"]), recipe)

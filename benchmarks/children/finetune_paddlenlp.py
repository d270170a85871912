"""Fine-tuning with PaddleNLP's Trainer in a separate process, which prints the CPU seconds of its epochs:
for ../finetune.py."""

import json
import sys
import time
from pathlib import Path

from paddlenlp.data import DataCollatorWithPadding
from paddlenlp.trainer import Trainer, TrainerCallback, TrainingArguments
from paddlenlp.transformers import (
    ErnieConfig,
    ErnieForSequenceClassification,
    ErnieMConfig,
    ErnieMForSequenceClassification,
    ErnieTokenizer,
)

asked = json.loads(sys.argv[1])
folder, model = Path(asked["data"]), Path(asked["model"])
labels = (folder / "labels.txt").read_text(encoding="utf-8").split()
tokenizer = ErnieTokenizer(str(model / "vocab.txt"))
said = json.loads((model / "config.json").read_text()) | {"num_labels": len(labels)}
is_m = said["model_type"] == "ernie_m"


def rows(split: str) -> list[dict[str, object]]:
    """The examples of a split, encoded."""
    lines = (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [json.loads(line) for line in lines]
    return [
        {**tokenizer(row["text"], max_seq_len=asked["max_seq_len"], truncation=True,
                     return_token_type_ids=not is_m, return_attention_mask=is_m),
         "labels": labels.index(row["label"])} for row in examples
    ]  # fmt: skip


times: list[float] = []


class Clock(TrainerCallback):
    """CPU seconds of this process at the beginning of the training and at the end of each epoch."""

    def on_train_begin(self, *args: object, **kwargs: object) -> None:
        """Note them."""
        times.append(time.process_time())

    on_epoch_end = on_train_begin


settings = TrainingArguments(
    output_dir=asked["out"], per_device_train_batch_size=asked["batch_size"],
    num_train_epochs=asked["epochs"], learning_rate=5e-5, warmup_ratio=0.1, weight_decay=0.01, logging_steps=20,
    save_steps=10**6, disable_tqdm=True, device="cpu",
)  # fmt: skip
net = (
    ErnieMForSequenceClassification(ErnieMConfig(**said))
    if is_m
    else ErnieForSequenceClassification(ErnieConfig(**said))
)
trainer = Trainer(
    model=net, args=settings, train_dataset=rows("train"),
    data_collator=DataCollatorWithPadding(tokenizer), tokenizer=tokenizer,
    callbacks=[Clock()],
)  # fmt: skip
trainer.train()
print(times[-1] - times[0])

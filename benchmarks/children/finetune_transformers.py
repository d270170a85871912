"""Fine-tuning with the Trainer of Hugging Face in a separate process, which prints the CPU seconds of its
epochs: for ../finetune.py. Needs none of our code."""

import json
import math
import sys
import time
from pathlib import Path

import torch
from transformers import (
    BertTokenizerFast,
    DataCollatorWithPadding,
    ErnieConfig,
    ErnieForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

times: list[float] = []


class Clock(TrainerCallback):
    """CPU seconds of this process at the beginning of the training and at the end of each epoch."""

    def on_train_begin(self, *args: object, **kwargs: object) -> None:
        """Note them."""
        times.append(time.process_time())

    on_epoch_end = on_train_begin


torch.set_num_threads(1)
asked = json.loads(sys.argv[1])
folder, model = Path(asked["data"]), Path(asked["model"])
labels = (folder / "labels.txt").read_text(encoding="utf-8").split()
tokenizer = BertTokenizerFast(vocab_file=str(model / "vocab.txt"))
examples = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
encoded = tokenizer([row["text"] for row in examples], truncation=True, max_length=asked["max_seq_len"])
rows = [
    {**{name: values[number] for name, values in encoded.items()}, "labels": labels.index(row["label"])}
    for number, row in enumerate(examples)
]
shape = json.loads((model / "config.json").read_text())
names = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
    "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size",
)  # fmt: skip
config = ErnieConfig(**{name: shape[name] for name in names if name in shape}, num_labels=len(labels))
grouped = {"train_sampling_strategy": "group_by_length"} if asked["group"] else {}
if grouped and not hasattr(TrainingArguments, "train_sampling_strategy"):
    grouped = {"group_by_length": True}
steps = math.ceil(len(rows) / asked["batch_size"]) * asked["epochs"]
settings = TrainingArguments(
    output_dir=asked["out"], per_device_train_batch_size=asked["batch_size"],
    num_train_epochs=asked["epochs"], learning_rate=5e-5, warmup_steps=steps // 10, weight_decay=0.01,
    logging_steps=20, save_strategy="no", disable_tqdm=True, report_to="none", use_cpu=True, **grouped,
)  # fmt: skip
trainer = Trainer(
    model=ErnieForSequenceClassification(config), args=settings, train_dataset=rows,
    data_collator=DataCollatorWithPadding(tokenizer), processing_class=tokenizer,
    callbacks=[Clock()],
)  # fmt: skip
trainer.train()
print(times[-1] - times[0])

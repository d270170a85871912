"""Fine-tuning with the Trainer of Hugging Face in a separate process: for ../finetune.py. Needs none of our code."""

import json
import sys
from pathlib import Path

import torch
from transformers import (
    BertTokenizerFast,
    DataCollatorWithPadding,
    ErnieConfig,
    ErnieForSequenceClassification,
    Trainer,
    TrainingArguments,
)

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
settings = TrainingArguments(
    output_dir=asked["out"], per_device_train_batch_size=asked["batch_size"], max_steps=asked["steps"],
    learning_rate=5e-5, warmup_steps=asked["steps"] // 10, weight_decay=0.01, logging_steps=20, save_strategy="no",
    disable_tqdm=True, report_to="none", use_cpu=True, **grouped,
)  # fmt: skip
trainer = Trainer(
    model=ErnieForSequenceClassification(config), args=settings, train_dataset=rows,
    data_collator=DataCollatorWithPadding(tokenizer), processing_class=tokenizer,
)  # fmt: skip
trainer.train()

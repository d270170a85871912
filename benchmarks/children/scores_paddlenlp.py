"""Named entities, and intent with slots, on PaddleNLP's nets in a separate process: for ../scores.py.

Entities are learned with its Trainer and counted by seqeval. The joint net is its encoder with two linear layers, as in
its example for ERNIE 3.0 Tiny, which is not part of the package; an answer is right if intent and all slots are.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import paddle
from paddle.nn.functional import cross_entropy
from paddlenlp.data import DataCollatorForTokenClassification
from paddlenlp.trainer import Trainer, TrainingArguments, set_seed
from paddlenlp.transformers import ErnieForTokenClassification, ErnieModel, ErnieTokenizer, LinearDecayWithWarmup
from seqeval.metrics import f1_score

asked = json.loads(sys.argv[1])
folder, model, length = Path(asked["data"]), asked["model"], asked["max_seq_len"]
tokenizer = ErnieTokenizer(f"{model}/vocab.txt")
set_seed(asked["seed"])


def read(split: str) -> list[dict]:
    """The rows of a split."""
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def names(file: str) -> list[str]:
    """The names of labels."""
    return (folder / file).read_text(encoding="utf-8").splitlines()


def ids(tokens: list[str]) -> list[int]:
    """[CLS] characters [SEP], one id each."""
    chars = tokenizer.convert_tokens_to_ids([token.lower() for token in tokens])
    return [tokenizer.cls_token_id, *chars[: length - 2], tokenizer.sep_token_id]


def entities() -> None:
    """Fine-tune with the Trainer; print the F1 of entities."""
    tags = names("labels.txt")

    def features(row: dict) -> dict:
        own = [tags.index(tag) for tag in row["labels"]][: length - 2]
        tokens = ids(row["tokens"])
        return {"input_ids": tokens, "token_type_ids": [0] * len(tokens), "labels": [-100, *own, -100]}

    train, dev = ([features(row) for row in read(split)] for split in ("train", "dev"))
    settings = TrainingArguments(
        output_dir=asked["out"], per_device_train_batch_size=asked["batch_size"], learning_rate=asked["learning_rate"],
        num_train_epochs=asked["num_train_epochs"], warmup_ratio=0.1, weight_decay=0.01, seed=asked["seed"],
        logging_steps=500, save_steps=10**6, disable_tqdm=True, device="cpu",
    )  # fmt: skip
    trainer = Trainer(
        model=ErnieForTokenClassification.from_pretrained(model, num_classes=len(tags)), args=settings,
        train_dataset=train, data_collator=DataCollatorForTokenClassification(tokenizer), tokenizer=tokenizer,
    )  # fmt: skip
    trainer.train()
    trainer.model.eval()
    true, found = [], []
    with paddle.no_grad():
        for row, each in zip(read("dev"), dev, strict=True):
            logits = trainer.model(paddle.to_tensor([each["input_ids"]]))
            best = logits[0].numpy().argmax(axis=1)[1:-1]
            rest = len(row["labels"]) - len(best)
            true.append(row["labels"])
            found.append([tags[n] for n in best] + ["O"] * rest)
    print("f1", f1_score(true, found))


def queries() -> None:
    """Fine-tune encoder and two classifiers; print the share of queries that are right as a whole."""
    intents, slots = names("intent_labels.txt"), names("slot_labels.txt")
    tags = ["PAD", "O", *(f"{mark}-{slot}" for slot in slots for mark in "BI")]

    def features(row: dict) -> tuple[list[int], int, list[int]]:
        own = ["O"] * len(row["text"])
        for slot in row["slots"]:
            own[slot["start"]] = f"B-{slot['slot']}"
            for place in range(slot["start"] + 1, slot["end"]):
                own[place] = f"I-{slot['slot']}"
        kept = [(char, tag) for char, tag in zip(row["text"], own, strict=True) if char.strip()]
        labels = [tags.index(tag) for _, tag in kept][: length - 2]
        return ids([char for char, _ in kept]), intents.index(row["intent"]), [0, *labels, 0]

    train, dev = ([features(row) for row in read(split)] for split in ("train", "dev"))
    encoder = ErnieModel.from_pretrained(model)
    heads = [paddle.nn.Linear(encoder.config["hidden_size"], count) for count in (len(intents), len(tags))]
    dropout, size = paddle.nn.Dropout(0.1), asked["batch_size"]
    steps = math.ceil(len(train) / size) * asked["num_train_epochs"]
    rate = LinearDecayWithWarmup(asked["learning_rate"], steps, 0.1)
    parameters = [*encoder.parameters(), *heads[0].parameters(), *heads[1].parameters()]
    decayed = {
        p.name
        for layer in (encoder, *heads)
        for n, p in layer.named_parameters()
        if "bias" not in n and "norm" not in n
    }
    optimizer = paddle.optimizer.AdamW(
        rate, parameters=parameters, weight_decay=0.01, grad_clip=paddle.nn.ClipGradByGlobalNorm(1.0),
        apply_decay_param_fun=lambda name: name in decayed,
    )  # fmt: skip

    def outputs(rows: list) -> tuple[paddle.Tensor, paddle.Tensor]:
        longest = max(len(row[0]) for row in rows)
        hidden, pooled = encoder(paddle.to_tensor([row[0] + [0] * (longest - len(row[0])) for row in rows]))
        return heads[0](dropout(pooled)), heads[1](dropout(hidden))

    chance = np.random.default_rng(asked["seed"])
    for _ in range(asked["num_train_epochs"]):
        order = chance.permutation(len(train))
        for start in range(0, len(order), size):
            rows = [train[i] for i in order[start : start + size]]
            longest = max(len(row[0]) for row in rows)
            wanted = paddle.to_tensor([row[2] + [0] * (longest - len(row[2])) for row in rows])
            intent, slot = outputs(rows)
            loss = cross_entropy(intent, paddle.to_tensor([row[1] for row in rows]))
            loss = loss + cross_entropy(slot.reshape([-1, len(tags)]), wanted.reshape([-1]), ignore_index=0)
            loss.backward()
            optimizer.step()
            rate.step()
            optimizer.clear_grad()
    encoder.eval()
    dropout.eval()
    right = 0
    with paddle.no_grad():
        for row in dev:
            intent, slot = (each.numpy()[0] for each in outputs([row]))
            same = (slot.argmax(axis=1) == np.array(row[2]))[1:-1].all()
            right += int(intent.argmax() == row[1] and same)
    print("accuracy", right / len(dev))


entities() if (folder / "labels.txt").exists() else queries()

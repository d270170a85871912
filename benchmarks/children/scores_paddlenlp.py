"""Named entities, answers, and intent with slots, on PaddleNLP's nets in a separate process: for ../scores.py.

As its example scripts do, which are not part of the package: entities and answers are learned with its Trainer.
Entities are counted by seqeval, and `[CLS]` and `[SEP]` have the tag O. Answers come from its tokenizer's windows and
its `compute_prediction`, and are scored by the rule of CMRC 2018 as ours are. The joint net is its encoder with two
linear layers, initialised as in the example; its outputs are decoded and scored as ours are, so that a slot may begin
with a tag I-.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import paddle
from paddle.nn.functional import cross_entropy
from paddlenlp.data import DataCollatorForTokenClassification, DataCollatorWithPadding
from paddlenlp.metrics.squad import compute_prediction
from paddlenlp.trainer import Trainer, TrainingArguments, set_seed
from paddlenlp.transformers import (
    ErnieForQuestionAnswering,
    ErnieForTokenClassification,
    ErnieModel,
    ErnieTokenizer,
    LinearDecayWithWarmup,
)
from seqeval.metrics import f1_score

from ernie_core.tasks.joint_intent_slots import JointIntentSlots
from ernie_core.tasks.metrics import squad
from ernie_core.tasks.recipe import FinetuneRecipe
from ernie_core.text import tokenizer as tokenizers

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


def settings() -> TrainingArguments:
    """The settings of its Trainer."""
    return TrainingArguments(
        output_dir=asked["out"], per_device_train_batch_size=asked["batch_size"], learning_rate=asked["learning_rate"],
        num_train_epochs=asked["num_train_epochs"], warmup_ratio=0.1, weight_decay=0.01, seed=asked["seed"],
        logging_steps=500, save_steps=10**6, disable_tqdm=True, device="cpu",
    )  # fmt: skip


def entities() -> None:
    """Fine-tune with the Trainer; print the F1 of entities."""
    tags = names("labels.txt")

    def features(row: dict) -> dict:
        own = [tags.index(tag) for tag in row["labels"]][: length - 2]
        tokens = ids(row["tokens"])
        outside = tags.index("O")
        return {"input_ids": tokens, "token_type_ids": [0] * len(tokens), "labels": [outside, *own, outside]}

    train, dev = ([features(row) for row in read(split)] for split in ("train", "dev"))
    trainer = Trainer(
        model=ErnieForTokenClassification.from_pretrained(model, num_classes=len(tags)), args=settings(),
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


def answers() -> None:
    """Fine-tune with the Trainer; print the mean F1 of the answers."""

    def encoded(rows: list[dict]) -> tuple[list[dict], list[list]]:
        """The windows of all rows; for each the number of its row and, of tokens of the context, their characters."""
        texts = [[row[key] for row in rows] for key in ("question", "context")]
        found = tokenizer(*texts, stride=asked["doc_stride"], max_seq_len=length, return_attention_mask=False)
        windows, places = [], []
        for ids, types, owner, spans in zip(
            found["input_ids"], found["token_type_ids"], found["overflow_to_sample"], found["offset_mapping"],
            strict=True,
        ):  # fmt: skip
            windows.append({"input_ids": ids, "token_type_ids": types})
            inside = [kind == 1 and at < len(ids) - 1 for at, kind in enumerate(types)]
            places.append([owner, [span if there else None for span, there in zip(spans, inside, strict=True)]])
        return windows, places

    train, dev = read("train"), read("dev")
    windows, places = encoded(train)
    for window, (owner, spans) in zip(windows, places, strict=True):
        said = train[owner]["answers"]
        start = said["answer_start"][0]
        end = start + len(said["text"][0])
        tokens = [at for at, span in enumerate(spans) if span and span[0] < end and span[1] > start]
        known = [span for span in spans if span]
        whole = known and known[0][0] <= start and known[-1][1] >= end and tokens
        window["start_positions"], window["end_positions"] = (tokens[0], tokens[-1]) if whole else (0, 0)

    def loss(outputs: tuple, wanted: tuple) -> paddle.Tensor:
        return (cross_entropy(outputs[0], wanted[0]) + cross_entropy(outputs[1], wanted[1])) / 2

    trainer = Trainer(
        model=ErnieForQuestionAnswering.from_pretrained(model), criterion=loss, args=settings(), train_dataset=windows,
        data_collator=DataCollatorWithPadding(tokenizer), tokenizer=tokenizer,
    )  # fmt: skip
    trainer.train()
    trainer.model.eval()
    asked_windows, places = encoded(dev)
    starts, ends = [], []
    with paddle.no_grad():
        for window in asked_windows:
            outputs = trainer.model(*(paddle.to_tensor([window[key]]) for key in ("input_ids", "token_type_ids")))
            for found, logits in zip((starts, ends), outputs, strict=True):
                found.append(logits[0].numpy())
    features = [{"example_id": dev[owner]["id"], "offset_mapping": spans} for owner, spans in places]
    rows = MapDataset(dev)
    found = compute_prediction(rows, features, (starts, ends), False, 20, asked["max_answer_length"])[0]
    print("f1", np.mean([squad.f1("cmrc2018", found[row["id"]], row["answers"]["text"]) for row in dev]))


class MapDataset(list):
    """Rows that are also read by column, as `compute_prediction` reads its ids."""

    def __getitem__(self, key):
        return [row[key] for row in self] if isinstance(key, str) else super().__getitem__(key)


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
    initial = {"weight_attr": paddle.nn.initializer.KaimingNormal(), "bias_attr": paddle.nn.initializer.KaimingNormal()}
    heads = [paddle.nn.Linear(encoder.config["hidden_size"], count, **initial) for count in (len(intents), len(tags))]
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
    learned = JointIntentSlots.of_data(folder, FinetuneRecipe(max_seq_len=length))
    examples = learned.read(folder, "dev")
    rows = learned.encode([example.question for example in examples], tokenizers.open(Path(model)))
    with paddle.no_grad():
        found = [tuple(each.numpy()[0] for each in outputs([(tokens,)])) for tokens in rows.input_ids]
    same = [
        (slot.argmax(axis=1) == np.array(wanted))[1:-1].all() and intent.argmax() == right
        for (intent, slot), (_, right, wanted) in zip(found, dev, strict=True) if len(slot) == len(wanted)
    ]  # fmt: skip
    print("by tags", sum(same) / len(dev))
    print("accuracy", learned.scores(found, examples, rows)["accuracy"])


task = json.loads((folder / "task.json").read_text(encoding="utf-8"))["task"]
{"token_classification": entities, "question_answering": answers, "joint_intent_slots": queries}[task]()

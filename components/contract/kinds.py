"""The kinds of artefact that flow between steps; each docstring is the format of its folder."""

from typing import ClassVar

from ernie_core.errors import Error

SHOWN_AS = ("Dataset", "Model", "Artifact")


class Kind:
    """A kind of artefact; its name in specs and manifests is the class name in snake case."""

    shown_as: ClassVar[str]
    """The type that a pipeline gives it: what a cluster's pages show of it."""

    def __init_subclass__(cls, *, shown_as: str = "") -> None:
        if shown_as not in SHOWN_AS:
            choices = " or ".join(f'shown_as="{name}"' for name in SHOWN_AS)
            fault = f"is `{shown_as}` to a pipeline" if shown_as else "does not say what it is to a pipeline"
            raise Error(f"{cls.__module__.replace('.', '/')}.py: kind {cls.__name__} {fault}, write "
                        f"`class {cls.__name__}(Kind, ...)` with {choices}")  # fmt: skip
        cls.shown_as = shown_as


class Text(Kind, shown_as="Dataset"):
    """Raw text in UTF-8. `*.txt`: one sentence or paragraph per line, an empty line ends a document. `*.jsonl`: one
    document per line, a JSON object. `*.json`: one array of such objects (WuDao). A newline in a JSON text ends a
    sentence. Each may be compressed: `.gz`, `.zst`."""


class CustomWords(Kind, shown_as="Dataset"):
    """Words for the segmenter: `*.txt` in UTF-8. A line is `word`; for jieba also `word count` or `word count tag`; for
    LAC also `word/tag`, or several words that belong together."""


class Words(Kind, shown_as="Dataset"):
    """Segmented text: `part-*.jsonl` in the order of the text, one document per line as
    `{"text": "word word\\nword word\\n"}`, one sentence per line of it, words joined by one space; `stats.json`;
    `rejected.jsonl`, one unreadable line or object per line as `{"file", "line" or "byte", "why", "begins"}`."""


class Vocab(Kind, shown_as="Dataset"):
    """Vocabulary: `vocab.txt` (id = line number from 0), `tokenizer_config.json`, `special_tokens_map.json`,
    `report.json`; one of SentencePiece has `sentencepiece.bpe.model` too."""


class VocabFile(Kind, shown_as="Dataset"):
    """A vocabulary of another project: one `*.txt`, one token per line, id = line number from 0, as `vocab.txt` of
    PaddleNLP and Hugging Face. Or a SentencePiece model, `*.model`, of type unigram, with its `vocab.txt` if it has
    one."""


class Ids(Kind, shown_as="Dataset"):
    """Token ids: `part-*_ids.npy` and `part-*_idx.npz` (`lens` int32, `docs` int64), or `part-*.bin` and
    `part-*.idx`; `vocab.txt`, and `sentencepiece.bpe.model` if the vocabulary has one; `unicode.txt`, the table that
    normalised the text; `stats.json`."""


class ModelFiles(Kind, shown_as="Model"):
    """A model that others made, as it is handed around: a checkpoint of PaddleNLP or Hugging Face with its config and
    the files of its tokenizer, all in one folder."""


class Model(Kind, shown_as="Model"):
    """Pretrained model: `model_state.pdparams`, `config.json`, `vocab.txt`, tokenizer files, `metrics.json`,
    `train_log.jsonl` and `report.html` (the training; a model of your own needs neither); of `pretrained` by name also
    `source.json` (name, licence, files with their SHA-256)."""


class ForeignModel(Kind, shown_as="Model"):
    """Model in the form of others, as `from_pretrained` opens it. For PaddleNLP: `model_state.pdparams`, `config.json`,
    tokenizer files. For Hugging Face's transformers: `model.safetensors`, `config.json`, tokenizer files; ERNIE is an
    `ernie` there, ERNIE-M an `xlm-roberta` with a tokenizer of its own."""


class RawData(Kind, shown_as="Dataset"):
    """Labelled data as published, or your own: the files of one data set in one of the formats of the step `dataset`,
    UTF-8. The names of files say which split they are, or the step's parameters do."""


class TaskData(Kind, shown_as="Dataset"):
    """Labelled examples: which files and keys depends on the task. For sequence classification: `train.jsonl`,
    `dev.jsonl`, `test.jsonl`, per line `{"id", "text", "text_pair"?, "label", "language"?}`; `labels.txt` (label names,
    id = line number from 0). For token classification per line `{"id", "tokens": [...], "labels": [...]}`, and `scheme`
    (IO, BIO, BIOES) in `task.json`. For joint intent and slots `{"id", "text", "intent", "slots": [{"slot", "start",
    "end"}]}`, `intent_labels.txt` and `slot_labels.txt`. For question answering `{"id", "context", "question",
    "answers"}`, for multiple choice `{"id", "context", "question", "choices", "label"}`. Test may be missing, or lack
    labels. Of `dataset` also: `task.json` (task, dataset), `report.json`, and `rejected.jsonl`, one row that is not
    used per line as `{"file", "line" or "at", "why", "begins"}`, with `"expected": true` if its publisher says to leave
    it out."""


class Finetuned(Kind, shown_as="Model"):
    """Task model: the files of a model, `train_log.jsonl` and `report.html` among them; `task.json` (task, max_seq_len,
    and what the task adds); the files of the task that hold labels (for sequence classification `labels.txt`). Its
    results: `eval_results.json` (scores of dev), `test_results.json` (an answer to every example of test, if there is
    a test), `predictions/` (files to hand in, where the task has a form for the data set), `results.json` and
    `results.html` (classes, confusions, confidence, the most wrong examples)."""


class Inference(Kind, shown_as="Model"):
    """Exported model: `model.onnx`, `model.pdmodel`, `model.pdiparams`, `vocab.txt`, tokenizer files, the files of the
    task that hold labels (for sequence classification `labels.txt`), `serving.json` (task, inputs, engine, probe),
    `metrics.json`."""


class Package(Kind, shown_as="Model"):
    """Package to pull and serve: the files of an exported model, `provenance.json`, the scores of its evaluation."""


class Report(Kind, shown_as="Artifact"):
    """Evaluation: `metrics.json`, `predictions.jsonl`, and for labelled examples `results.json` and `results.html`."""

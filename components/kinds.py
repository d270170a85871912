"""The kinds of artefact that flow between steps; each docstring is the format of its folder."""


class Kind:
    """A kind of artefact; its name in specs and manifests is the class name in snake case."""


class Text(Kind):
    """Raw text in UTF-8: `*.txt`, one sentence or paragraph a line, an empty line ends a document; `*.jsonl`, a line is
    a JSON object and a document; `*.json`, one array of such objects (WuDao). A newline in a JSON text ends a sentence.
    Each may be packed: `.gz`, `.zst`."""


class CustomWords(Kind):
    """Words that a segmenter shall know: `*.txt` in UTF-8. A line is `word`; for jieba also `word count` or
    `word count tag`; for LAC also `word/tag`, or several words that stand together."""


class Words(Kind):
    """Segmented text: `part-*.jsonl` in the order of the text, a document a line as
    `{"text": "word word\\nword word\\n"}`: a sentence a line, words joined by one space; `stats.json`;
    `rejected.jsonl`, what could not be read: `{"file", "line" or "byte", "why", "begins"}` a line."""


class Vocab(Kind):
    """Vocabulary: `vocab.txt` (id = line number from 0), `tokenizer_config.json`, `special_tokens_map.json`,
    `report.json`."""


class VocabFile(Kind):
    """A vocabulary that others made: one `*.txt`, a token a line, id = line number from 0, as `vocab.txt` of PaddleNLP
    and Hugging Face."""


class Ids(Kind):
    """Token ids: `part-*_ids.npy` and `part-*_idx.npz` (`lens` int32, `docs` int64), or `part-*.bin` and
    `part-*.idx`; `vocab.txt`; `unicode.txt`, the table that the text was normalised by; `stats.json`."""


class Model(Kind):
    """Pretrained model: `model_state.pdparams`, `config.json`, `vocab.txt`, tokenizer files, `metrics.json`."""


class TaskData(Kind):
    """Labelled examples: `train.jsonl`, `dev.jsonl`, `test.jsonl` with `{"id", "text", "text_pair"?, "label"}` a line;
    `labels.txt` (label names, id = line number)."""


class Finetuned(Kind):
    """Task model: the files of a model, `labels.txt`, `task.json` (task, labels, max_seq_len, text_pair),
    `metrics.json`."""


class Inference(Kind):
    """Exported model: `model.onnx`, `model.pdmodel`, `model.pdiparams`, `vocab.txt`, `labels.txt`,
    `serving.json` (inputs, engine, probe), `metrics.json`."""


class Package(Kind):
    """What is pulled and served: the files of an exported model, `provenance.json`, the scores of its evaluation."""


class Report(Kind):
    """Figures: `metrics.json`, and details beside it (`predictions.jsonl`)."""

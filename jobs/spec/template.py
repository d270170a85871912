"""The spec that `kfp new` writes."""

_SPEC = """\
# yaml-language-server: $schema=schema.json
version: 1
name: {name}
store: ../store                 # or s3://bucket/prefix; credentials come from the environment, as for every AWS tool
inputs:
  corpus: {{text: ../corpus/*.txt}}   # UTF-8, one sentence or paragraph a line, an empty line ends a document
  labels: {{task_data: ../labels}}    # train.jsonl, dev.jsonl, test.jsonl with id, text, label; labels.txt
steps:
  - segment: {{tool: jieba}}
  - vocab: {{size: 20000, han: seen}}
  - ids:
  - pretrain: {{arch: pico, max_seq_len: 128, micro_batch_size: 64, max_steps: 20000, max_lr: 5.0e-4, min_lr: 5.0e-5}}
  - finetune: {{max_seq_len: 128, batch_size: 32, learning_rate: 1.0e-4, num_train_epochs: 3}}
  - compress:
  - evaluate: {{split: test, require: {{accuracy: ">=0.80"}}}}
  - package: {{name: {name}}}
"""


def spec(name: str) -> str:
    """The whole job on one's own text."""
    return _SPEC.format(name=name)

"""Settings that contradict each other, or the spec around them: the spec alone shows it, so a check says it."""

from pathlib import Path

import pytest
from small_spec import load, problems

from components.finetune import Finetune
from components.pretrain import Pretrain
from components.vocab import Vocab

TEXT = """\
version: 1
name: demo
store: ./store
inputs:
  mine: {text: corpus/*.txt}
  labels: {task_data: labels}
steps:
  - segment:
  - vocab:
  - ids:
  - pretrain:
  - finetune:
"""
MORE = TEXT.replace("  labels: {task_data: labels}\n", "").replace(
    "  - finetune:\n", "  - pretrain: {as: more, from: [ids, pretrain]}\n"
)
OTHER = MORE.replace("  - pretrain:\n", "  - pretrain: {from: [ids, vocab]}\n").replace(
    "  - pretrain: {as: more, from: [ids, pretrain]}\n",
    "  - vocab: {as: second, size: 30000}\n  - ids: {as: own, from: [segment, second]}\n"
    "  - pretrain: {as: more, from: [own, second, pretrain]}\n",
)

OF_M = ("pretrain.model_type=ernie_m", "pretrain.binary_head=false")


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (['pretrain.split="0,0,0"'], "split `0,0,0`: at most three shares (train, valid, test), the first above 0"),
        (['pretrain.split="0/1"'], "the first above 0"),
        (["pretrain.arch=3L10H3"], "arch 3L10H3: hidden_size 10 is not a multiple of 3 heads"),
        (["pretrain.arch=3L0H0"], "layers, hidden size and heads must be at least 1"),
        (["pretrain.arch=0L8H2"], "layers, hidden size and heads must be at least 1"),
        (["pretrain.global_batch_size=9"], "global_batch_size 9 is not a multiple of micro_batch_size 8: it must be a "
                                           "multiple, such as 16"),
        (["pretrain.nodes=3", "pretrain.global_batch_size=8", "pretrain.micro_batch_size=4"],
         "global_batch_size 8 does not divide into 3 processes with a micro_batch_size of 4: make it a multiple of 12"),
        (["pretrain.nodes=2", "pretrain.gpus=8"], "does not divide into 16 processes"),
        (["pretrain.nodes=2"], "global_batch_size 8 does not divide into 2 processes"),
        (["pretrain.use_amp=true"], "use_amp computes in half precision, which only GPUs can"),
        (["pretrain.max_seq_len=1024"], "max_seq_len 1024 must be in 8..max_position_embeddings 512"),
        (["pretrain.model_type=ernie_m"], "model_type ernie_m and binary_head true contradict: it has no sentence order"
                                          " to learn, its segments have no types: set `binary_head: false`"),
        (["pretrain.min_lr=1"], "min_lr 1.0 is above max_lr 0.0001: lower min_lr"),
        (["pretrain.decay_steps=10"], "decay_steps 10 is not after the warm-up, which takes 5000 steps"),
        (["pretrain.warmup_rate=1", "pretrain.decay_steps=9", "pretrain.max_steps=10"], "is not after the warm-up"),
        (['pretrain.split="1"', "pretrain.eval_iters=5"], "eval_iters 5: split 1 holds out nothing to evaluate"),
        (["pretrain.max_position_embeddings=64", "pretrain.max_seq_len=64"],
         "max_seq_len 128 is above the 64 positions of the model of `pretrain`"),
        (["finetune.max_steps=5", "finetune.num_train_epochs=2"], "both say how long to train: leave one of them out"),
        (["finetune.max_steps=0"], "max_steps 0 trains nothing"),
        (["finetune.warmup_steps=5", "finetune.warmup_ratio=0.2"],
         "warmup_steps 5 and warmup_ratio 0.2 both say how long the learning rate rises"),
        (["finetune.warmup_steps=5", "finetune.max_steps=5"], "warmup_steps 5 leave none of the 5 steps"),
        (["finetune.evaluation_strategy=epoch", "finetune.eval_steps=5"],
         "evaluation_strategy epoch and eval_steps 5 both say when to evaluate"),
        (["finetune.metric_for_best_model=rouge"], "metric_for_best_model `rouge` is no score of any task"),
        (["finetune.rdrop_alpha=1", "finetune.hidden_dropout_prob=0", "finetune.attention_probs_dropout_prob=0"],
         "rdrop_alpha 1 compares two passes with other dropout, and all dropout is 0"),
        (["vocab.size=100"], "size 100 is too small: with `han: all` make it at least"),
        (["vocab.english_size=40001"], "english_size 40001 is above size 40000, of which it is a part"),
        (["vocab.recipe=whole", "vocab.english_size=9"], "english_size is not used with `recipe: whole`"),
        (["vocab.recipe=sentencepiece", "vocab.han=seen", *OF_M], "han is not used with `recipe: sentencepiece`"),
        (["vocab.recipe=sentencepiece", "vocab.size=99"], "size 99 is too small: a SentencePiece vocabulary has 100"),
        (["vocab.recipe=sentencepiece"], "`vocab` is of SentencePiece: only ERNIE-M has one"),
        (["vocab.recipe=sentencepiece", "ids.marking=paddlenlp", *OF_M], "marking paddlenlp: `vocab` is"),
        (["vocab.character_coverage=0.99"], "character_coverage is a setting of `recipe: sentencepiece`"),
    ],
)  # fmt: skip
def test_what_no_run_can_do_is_refused(tmp_path: Path, edits: list[str], said: str) -> None:
    found = problems(tmp_path, TEXT, *edits)
    assert len(found) == 1 and said in found[0], found


@pytest.mark.parametrize(
    "edits",
    [
        ["pretrain.checkpoint_steps=1000000"],
        ["pretrain.nodes=2", "pretrain.global_batch_size=16"],
        ["pretrain.use_amp=true", "pretrain.gpus=1"],
        ["pretrain.model_type=ernie_m", "pretrain.binary_head=false"],
        ['pretrain.split="1"'],
        ['pretrain.split="1"', "pretrain.eval_iters=0"],
        ["pretrain.decay_steps=400000"],
        ["pretrain.warmup_rate=1"],
        ["vocab.size=8000", "vocab.han=seen"],
        ["vocab.recipe=whole"],
        ["finetune.max_steps=5"],
        ["finetune.max_steps=-1", "finetune.num_train_epochs=2"],
    ],
)
def test_what_is_only_unusual_is_not(tmp_path: Path, edits: list[str]) -> None:
    assert load(tmp_path, TEXT, *edits)


def test_all_contradictions_of_a_step_are_said_at_once(tmp_path: Path) -> None:
    [said] = problems(tmp_path, TEXT, "pretrain.min_lr=1", "pretrain.arch=1L3H2", 'pretrain.split="0"')
    assert said.count(";") == 2 and "lower min_lr" in said and "2 heads" in said and "first above 0" in said


def test_a_training_goes_on_with_the_shape_and_the_vocabulary_of_its_model(tmp_path: Path) -> None:
    assert load(tmp_path, MORE)
    for edit, said in (
        ("more.arch=pico", "arch pico: this continues from `pretrain`, which is base, leave arch out"),
        ("more.max_seq_len=600", "max_seq_len 600 is above the 512 positions of `pretrain`: lower it"),
    ):
        assert said in problems(tmp_path, MORE, edit, "more.max_position_embeddings=600")[0]
    said = problems(tmp_path, OTHER)[0]
    assert "`pretrain` was made with the vocabulary of `vocab`, this reads that of `second`: choose one" in said
    mixed = OTHER.replace("[own, second, pretrain]", "[own, vocab, pretrain]")
    assert "`own` was made with the vocabulary of `second`, this reads that of `vocab`" in problems(tmp_path, mixed)[0]
    same = OTHER.replace("second, size: 30000", "second")
    assert load(tmp_path, same), "the same vocabulary under two names is one artefact"


def test_a_training_goes_on_with_the_type_of_its_model(tmp_path: Path) -> None:
    of_m = ("pretrain.model_type=ernie_m", "pretrain.binary_head=false")
    assert load(tmp_path, MORE, *of_m, "more.binary_head=false")
    for edits, said in (
        (of_m, "`pretrain` is an ernie_m: it has no sentence order to learn"),
        ((*of_m, "more.binary_head=false", "more.model_type=ernie"),
         "model_type ernie: this continues from `pretrain`, which is an ernie_m, leave model_type out"),
        (("more.binary_head=false", "more.model_type=ernie_m"),
         "model_type ernie_m: this continues from `pretrain`, which is an ernie, leave model_type out"),
    ):  # fmt: skip
        (found,) = problems(tmp_path, MORE, *edits)
        assert said in found


NAMED = """\
version: 1
name: named
store: store
inputs: {mine: {text: ./*.txt}}
steps:
  - pretrained: {name: ernie-m-base}
  - segment: {tool: seg}
  - adopt_vocab: {from: pretrained}
  - ids:
  - pretrain: {from: pretrained}
"""


def test_the_type_of_a_model_by_its_name_is_known(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, NAMED)
    assert "`pretrained` is an ernie_m: it has no sentence order to learn" in found
    assert load(tmp_path, NAMED, "pretrain.binary_head=false")
    (found,) = problems(tmp_path, NAMED, "pretrained.name=ernie-3.0-base-zh", "pretrain.model_type=ernie_m",
                        "pretrain.binary_head=false")  # fmt: skip
    assert "model_type ernie_m: this continues from `pretrained`, which is an ernie, leave model_type out" in found


def test_a_task_has_every_parameter_set_and_is_not_asked_what_a_person_meant() -> None:
    for step in (Vocab(size=8000, han="seen"), Finetune(max_steps=5), Pretrain(split="1")):
        assert type(step).model_validate(step.model_dump(mode="json")) == step

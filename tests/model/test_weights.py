"""Weights and config: what is written is read back, and what does not fit is refused."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest

from ernie_core import errors
from ernie_core.model import config, weights
from ernie_core.model.arrays import read_arrays, write_arrays
from ernie_core.model.heads import ErnieForPretraining, ErnieForSequenceClassification

TINY = config.shape("2L32H4", 50, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    paddle.seed(1)
    weights.save(ErnieForPretraining(TINY), tmp_path)
    return tmp_path


def logits(net: ErnieForPretraining) -> np.ndarray:
    net.eval()
    ids = paddle.to_tensor([[1, 7, 8, 9, 2, 0, 0, 0], [1, 5, 2, 6, 7, 8, 9, 2]])
    return net(ids)[0].numpy()


def test_a_saved_model_loads_equal(saved: Path) -> None:
    paddle.seed(1)
    first = ErnieForPretraining(TINY)
    paddle.seed(2)
    second = ErnieForPretraining(config.read(saved))
    assert config.read(saved) == TINY
    assert not np.array_equal(logits(first), logits(second))
    weights.load(second, saved)
    assert np.array_equal(logits(first), logits(second))


def test_the_tied_embedding_stays_tied_after_loading(saved: Path) -> None:
    net = ErnieForPretraining(TINY)
    weights.load(net, saved)
    assert net.cls.predictions.decoder.weight is net.ernie.embeddings.word_embeddings.weight
    assert len({id(p) for p in net.parameters()}) == len(net.parameters())


def test_the_same_weights_give_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    net = ErnieForPretraining(TINY)
    weights.load(net, saved)
    again = tmp_path / "again"
    again.mkdir()
    weights.save(net, again)
    assert (again / weights.FILE).read_bytes() == (saved / weights.FILE).read_bytes()
    assert (again / config.FILE).read_bytes() == (saved / config.FILE).read_bytes()


def test_the_encoder_of_a_pretrained_model_goes_into_a_task_model(saved: Path) -> None:
    task = ErnieForSequenceClassification(TINY)
    before = task.classifier.weight.numpy()
    names = weights.load(task, saved, partial="ernie.")
    assert all(name.startswith("ernie.") for name in names) and len(names) == 5 + 2 * 16 + 2
    assert np.array_equal(task.classifier.weight.numpy(), before)
    arrays = read_arrays(saved / weights.FILE)
    assert np.array_equal(task.ernie.pooler.dense.weight.numpy(), arrays["ernie.pooler.dense.weight"])


def test_every_difference_is_listed(saved: Path) -> None:
    arrays = read_arrays(saved / weights.FILE)
    arrays["stranger"] = arrays.pop("ernie.pooler.dense.bias")
    arrays["ernie.pooler.dense.weight"] = np.zeros((3, 3), "float32")
    write_arrays(arrays, saved / weights.FILE)
    with pytest.raises(errors.BadInput) as wrong:
        weights.load(ErnieForPretraining(TINY), saved)
    text = str(wrong.value)
    assert "missing: ernie.pooler.dense.bias [32]" in text and "unexpected: stranger [32]" in text
    assert "shape: ernie.pooler.dense.weight is [3, 3], the model wants [32, 32]" in text


@pytest.fixture
def bare(saved: Path, tmp_path: Path) -> Path:
    """The same model as PaddleNLP's `ErnieModel` is saved: the encoder alone, under names that begin within it."""
    folder = tmp_path / "bare"
    folder.mkdir()
    arrays = read_arrays(saved / weights.FILE)
    inner = {name.removeprefix("ernie."): array for name, array in arrays.items() if name.startswith("ernie.")}
    write_arrays(inner, folder / weights.FILE)
    config.write(TINY, folder, "ErnieModel")
    return folder


def equal(net: paddle.nn.Layer, other: paddle.nn.Layer, names: list[str]) -> bool:
    one, two = net.state_dict(), other.state_dict()
    return bool(names) and all(np.array_equal(one[name].numpy(), two[name].numpy()) for name in names)


def test_an_encoder_that_was_saved_alone_gives_the_same_weights_as_within_a_model(saved: Path, bare: Path) -> None:
    assert config.read(bare) == config.read(saved)
    one, two = ErnieForPretraining(TINY), ErnieForPretraining(TINY)
    assert weights.start_from(one, saved) == ()
    lacking = weights.start_from(two, bare)
    heads = [name for name in two.state_dict() if name.startswith("cls.")]
    assert set(heads) - set(lacking) == {"cls.predictions.decoder.weight"}, "that one is the encoder's"
    assert equal(one, two, [name for name in one.state_dict() if name not in lacking])
    assert two.cls.predictions.decoder.weight is two.ernie.embeddings.word_embeddings.weight


def test_an_encoder_that_was_saved_alone_goes_into_a_task_model(saved: Path, bare: Path) -> None:
    one, two = ErnieForSequenceClassification(TINY), ErnieForSequenceClassification(TINY)
    names = weights.load(one, saved, partial="ernie.")
    assert weights.load(two, bare, partial="ernie.") == names
    assert equal(one, two, list(names))


def test_an_encoder_alone_is_not_a_whole_model(bare: Path) -> None:
    with pytest.raises(errors.BadInput) as wrong:
        weights.load(ErnieForPretraining(TINY), bare)
    text = str(wrong.value)
    assert "missing: cls.seq_relationship.bias [2]" in text and "ernie." not in text and "unexpected" not in text


def test_an_encoder_alone_that_does_not_fit_is_refused(bare: Path) -> None:
    arrays = read_arrays(bare / weights.FILE)
    arrays["encoder.layers.2.norm1.bias"] = arrays.pop("pooler.dense.bias")
    write_arrays(arrays, bare / weights.FILE)
    with pytest.raises(errors.BadInput) as wrong:
        weights.start_from(ErnieForPretraining(TINY), bare)
    assert str(wrong.value).splitlines()[1:] == [
        "  missing: ernie.pooler.dense.bias [32]",
        "  unexpected: ernie.encoder.layers.2.norm1.bias [32]",
    ]


def begin(folder: Path) -> None:
    weights.start_from(ErnieForPretraining(TINY), folder)


def fine_tune(folder: Path) -> None:
    weights.load(ErnieForSequenceClassification(TINY), folder, partial="ernie.")


@pytest.mark.parametrize("use", [begin, fine_tune])
def test_files_of_something_else_are_refused_in_short(bare: Path, use: Callable[[Path], None]) -> None:
    arrays = read_arrays(bare / weights.FILE)
    strange = {f"bert.{name}": array for name, array in arrays.items()}
    write_arrays(strange, bare / weights.FILE)
    with pytest.raises(errors.BadInput, match=r"no parameter of an ERNIE model, but `bert\..*: give the") as wrong:
        use(bare)
    assert len(str(wrong.value).removeprefix(str(bare))) < 300
    write_arrays({}, bare / weights.FILE)
    with pytest.raises(errors.BadInput, match="no parameter of an ERNIE model, but nothing"):
        use(bare)


@pytest.mark.parametrize("use", [begin, fine_tune])
def test_names_with_and_without_the_prefix_are_not_mixed(bare: Path, use: Callable[[Path], None]) -> None:
    arrays = read_arrays(bare / weights.FILE)
    arrays["ernie.pooler.dense.bias"] = arrays.pop("pooler.dense.bias")
    write_arrays(arrays, bare / weights.FILE)
    said = r"`embeddings\..*` is named without `ernie\.`, `ernie\.pooler\.dense\.bias` with it: two models are mixed"
    with pytest.raises(errors.BadInput, match=said):
        use(bare)


def test_of_many_differences_the_first_are_listed_and_the_others_counted(saved: Path) -> None:
    deeper = ErnieForPretraining(config.shape("3L32H4", 50))
    with pytest.raises(errors.BadInput) as wrong:
        weights.start_from(deeper, saved)
    first, *faults, last = str(wrong.value).splitlines()
    assert first.endswith("does not fit the model:")
    assert len(faults) == 8 and all(fault.startswith("  missing: ernie.encoder.layers.2.") for fault in faults)
    assert last == "  and 8 more"


OLD = {
    "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "init_class": "ErnieModel",
}  # fmt: skip


def test_the_config_of_an_old_folder_is_read(tmp_path: Path) -> None:
    def read(said: object) -> config.ErnieConfig:
        (tmp_path / config.OLD_FILE).write_text(json.dumps(said))
        return config.read(tmp_path)

    assert read(OLD) == TINY
    assert read({"init_args": [OLD], "init_class": "ErnieForPretraining"}) == TINY
    task = {"init_args": [OLD], "num_classes": 5, "dropout": 0.3, "init_class": "ErnieForSequenceClassification"}
    assert read(task) == replace(TINY, num_labels=5, classifier_dropout=0.3)
    with pytest.raises(errors.BadInput, match="init_class is `BertModel`, only `ErnieModel` and"):
        read(OLD | {"init_class": "BertModel"})
    with pytest.raises(errors.BadInput, match=r"model_config\.json: not the config of an ERNIE model: .*vocab_size"):
        read({"init_args": [50, 32], "init_class": "ErnieModel"})
    config.write(replace(TINY, num_labels=7), tmp_path, "ErnieModel")
    assert config.read(tmp_path).num_labels == 7, "a new file goes before an old one"


def test_files_of_paddle_save_are_read_in_every_protocol(tmp_path: Path) -> None:
    net = ErnieForPretraining(TINY)
    for protocol in (2, 3, 4):
        paddle.save(net.state_dict(), str(tmp_path / "p.pdparams"), protocol=protocol)
        arrays = read_arrays(tmp_path / "p.pdparams")
        assert arrays.keys() == net.state_dict().keys()
        assert all(np.array_equal(arrays[name], t.numpy()) for name, t in net.state_dict().items())


def test_paddle_reads_our_files(saved: Path) -> None:
    theirs = paddle.load(str(saved / weights.FILE), return_numpy=True)
    ours = read_arrays(saved / weights.FILE)
    assert theirs.keys() == ours.keys() and all(np.array_equal(theirs[name], ours[name]) for name in ours)


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_a_file_that_wants_to_run_something_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    for content in ({"a": Evil(tmp_path / "ran")}, Evil(tmp_path / "ran"), {"a": np.array([Evil(tmp_path / "ran")])}):
        (tmp_path / "e.pdparams").write_bytes(pickle.dumps(content, protocol=2))
        with pytest.raises(errors.BadInput, match=r"asks for `.*open`: refused"):
            read_arrays(tmp_path / "e.pdparams")
    assert not (tmp_path / "ran").exists()


def test_truncated_or_foreign_files_are_named(saved: Path) -> None:
    path = saved / weights.FILE
    whole = path.read_bytes()
    for content in (whole[:100], whole[:-5], b"", b"hello", pickle.dumps([1]), pickle.dumps({"a": "b"})):
        path.write_bytes(content)
        with pytest.raises(errors.BadInput, match=weights.FILE):
            read_arrays(path)


def test_padding_changes_nothing(saved: Path) -> None:
    net = ErnieForPretraining(TINY)
    weights.load(net, saved)
    net.eval()
    short, long = ([[1, 7, 8, 9, 2]], [[1, 7, 8, 9, 2, 0, 0, 0]])
    one, two = (net(paddle.to_tensor(ids)) for ids in (short, long))
    np.testing.assert_allclose(one[0].numpy(), two[0].numpy()[:, :5], atol=1e-6)
    mask = paddle.to_tensor([[1, 1, 1, 1, 1, 0, 0, 0]])
    three = net(paddle.to_tensor(long), attention_mask=mask)
    assert np.array_equal(three[0].numpy(), two[0].numpy())


def test_scores_at_masked_positions_are_those_of_the_whole(saved: Path) -> None:
    net = ErnieForPretraining(TINY)
    net.eval()
    ids = paddle.to_tensor([[1, 7, 8, 9, 2], [1, 5, 6, 7, 2]])
    some = net(ids, masked_positions=paddle.to_tensor([1, 7], dtype="int32"))[0].numpy()
    np.testing.assert_allclose(some, net(ids)[0].numpy().reshape(10, 50)[[1, 7]], atol=1e-6)


def test_an_exported_model_computes_the_same_at_any_length(tmp_path: Path) -> None:
    net = ErnieForSequenceClassification(TINY)
    net.eval()
    tensors = [paddle.to_tensor(ids) for ids in ([[1, 7, 8, 9, 2], [1, 5, 2, 0, 0]], [[1, 9, 2]])]
    expected = [net(ids, paddle.zeros_like(ids)).numpy() for ids in tensors]
    spec = [paddle.static.InputSpec([None, None], "int64", name=name) for name in ("input_ids", "token_type_ids")]
    paddle.jit.save(paddle.jit.to_static(net, input_spec=spec, full_graph=True), str(tmp_path / "model"))
    loaded = paddle.jit.load(str(tmp_path / "model"))
    for ids, scores in zip(tensors, expected, strict=True):
        np.testing.assert_allclose(loaded(ids, paddle.zeros_like(ids)).numpy(), scores, atol=1e-6)


@pytest.mark.parametrize("arch", ["gigantic", "3L", "0L32H4", "2L30H4"])
def test_an_unknown_shape_is_refused(arch: str) -> None:
    with pytest.raises(errors.BadInput):
        config.shape(arch, 100)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_weights_in_half_precision_are_kept_as_float32_and_put_back(kind: str) -> None:
    net = paddle.nn.Linear(3, 2)
    net.to(dtype=kind)
    kept = weights.copies(net)
    assert all(array.dtype == np.float32 for array in kept.values())
    other = paddle.nn.Linear(3, 2)
    other.to(dtype=kind)
    weights.restore(other, kept)
    assert all(np.array_equal(a, b) for a, b in zip(kept.values(), weights.copies(other).values(), strict=True))

"""How a training begins: data, net and optimiser put together, then the newest checkpoint or first weights."""

import json
import os
import zlib  # noqa: F401  before paddle: see ernie_core/runtime.py
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import paddle

from ernie_core.data import ids as corpora
from ernie_core.data import vocabulary
from ernie_core.data.cache import Cache
from ernie_core.data.ids import Corpus
from ernie_core.data.order import Mixture, derived, mixture
from ernie_core.data.shares import requested
from ernie_core.data.vocabulary import Vocabulary
from ernie_core.errors import BadInput, Refused
from ernie_core.model import config as configs
from ernie_core.model import fused, weights
from ernie_core.model.config import ErnieConfig
from ernie_core.model.heads import ErnieForPretraining
from ernie_core.pretrain.recipe import Recipe
from ernie_core.store import digests
from ernie_core.train.checkpoint import commit, snapshot
from ernie_core.train.checkpoint.commit import Place
from ernie_core.train.checkpoint.saver import Saver
from ernie_core.train.checkpoint.snapshot import Identity
from ernie_core.train.guard import Guard
from ernie_core.train.monitor import watch
from ernie_core.train.monitor.log import Log, say
from ernie_core.train.monitor.report.markup import Value
from ernie_core.train.monitor.report.page import Subject
from ernie_core.train.optim import optimiser, precision
from ernie_core.train.optim.adamw import Settings
from ernie_core.train.optim.optimiser import Optimiser
from ernie_core.train.parallel import sharding, shared_memory
from ernie_core.train.parallel.exchange import Exchange, Nearby, exchange
from ernie_core.train.parallel.team import Team
from ernie_core.train.training import Training


def prepare(
    ids: Sequence[tuple[Path, float]],
    vocab: Path,
    recipe: Recipe,
    place: Place,
    init: Path | None,
    cache: Cache | None,
    team: Team,
    log: Log,
) -> Training:
    """Put a training together; the same on every rank, or it is refused."""
    recipe.accumulate(team.world)
    words = vocabulary.read(vocab)
    data, read = _data(ids, words, vocab, recipe, cache)
    net, adamw, way = _build(recipe, words, init, team)
    identity = _identity(recipe, net, words, read, [weight for _, weight in ids], init, team, way)
    alike = team.gather(identity.must)
    if any(must != alike[0] for must in alike):
        raise BadInput(f"rank {team.rank}: the processes were given different data or settings: {alike}")
    return Training(
        recipe, team, net, adamw, way, data, words, vocab, init, identity, place, log,
        precision.scaler(recipe),
        Guard(recipe.max_loss_spike, recipe.loss_spike_window, recipe.loss_spike_steps),
        Saver(place, team, say, log.busy),
        _subject(recipe, net, read, ids, place.address),
    )  # fmt: skip


def resume(training: Training, start_fresh: bool) -> None:
    """Every rank reads the checkpoint that the first one chose, and begins when all have."""
    _resume(training, start_fresh)
    training.team.barrier()  # where weights and moments are shared, the last to write them would undo a step


def _resume(training: Training, start_fresh: bool) -> None:
    recipe = training.recipe
    limit = recipe.max_restarts
    found = commit.agreed(training.place, training.team, training.say, fresh=start_fresh, limit=limit)
    if found is None:
        if training.init is not None:
            _load(training, training.init)
        begin = "from random weights" if training.init is None else "on"
        training.say(f"training {begin}, {recipe.max_steps} steps")
        return
    training.at, notes = snapshot.read(found.folder, training.net, training.adamw, training.identity)
    for note in notes:
        training.say(note)
    if found.step > recipe.max_steps:
        raise Refused(f"{found.folder} is at step {found.step}, beyond max_steps {recipe.max_steps}: raise max_steps")
    training.scaler.restore(training.at.scaler)
    training.guard.restore(training.at.extra)
    training.resumed = found.step
    training.say(f"going on after step {found.step} of {recipe.max_steps}, from {found.folder}")


def _data(
    ids: Sequence[tuple[Path, float]], words: Vocabulary, vocab: Path, recipe: Recipe, cache: Cache | None
) -> tuple[dict[str, Mixture], list[Corpus]]:
    """The samples of train, and of valid and test if they are asked for."""
    for folder, _ in ids:
        if (folder / "vocab.txt").is_file() and vocabulary.read(folder).digest != words.digest:
            raise BadInput(f"{folder} was made with another vocabulary than {vocab}: make the ids again")
    read = [corpora.read([folder], cache) for folder, _ in ids]
    shares = [weight for _, weight in ids]
    parts = ["train"] + [p for p in ("valid", "test") if recipe.eval_iters and requested(p, recipe.split)]
    limits = {part: recipe.samples(part) if recipe.index_order == "paddlenlp" else None for part in parts}
    data = {
        part: mixture(
            part, read, shares, words, recipe.masking(), recipe.split, recipe.short_seq_prob,
            cache=cache, index_order=recipe.index_order, limit=limits[part],
        )
        for part in parts
    }  # fmt: skip
    return data, read


def _build(
    recipe: Recipe, words: Vocabulary, init: Path | None, team: Team
) -> tuple[ErnieForPretraining, Optimiser, Exchange]:
    """Net with random weights, equal on all ranks, its optimiser, and what the ranks do together in an update."""
    precision.keep_bits()
    paddle.seed(derived(recipe.seed, "weights"))
    net = ErnieForPretraining(_shape(recipe, words, init), recipe.binary_head)
    net.ernie.encoder.recompute = recipe.use_recompute
    precision.cast(net, recipe)
    settings = Settings(
        recipe.weight_decay, recipe.adam_beta1, recipe.adam_beta2, recipe.adam_epsilon,
        optimiser.layer_factors(net.config.num_hidden_layers, recipe.layer_decay),
    )  # fmt: skip
    memory = partial(shared_memory.zeros, team)
    way = exchange(net, team, recipe.sharding, memory)
    if isinstance(way, Nearby):  # moments that all ranks see are everyone's
        adamw = optimiser.adamw(net, settings, memory=memory)
    else:
        adamw = optimiser.adamw(net, settings, only=None if recipe.sharding == "none" else sharding.share(net, team))
    net.train()
    return net, adamw, way


def _shape(recipe: Recipe, words: Vocabulary, init: Path | None) -> ErnieConfig:
    """The model that the recipe names, or that of the folder to start from, with the dropout of the recipe."""
    if init is None:
        return recipe.shape(words.size, words.pad)
    found = configs.read(init)
    if (init / "vocab.txt").is_file() and vocabulary.read(init).digest != words.digest:
        raise BadInput(f"{init} was trained with another vocabulary: adopt its vocab.txt, and make the ids with it")
    if found.vocab_size < words.size:
        raise BadInput(
            f"{init} knows {found.vocab_size} ids, the vocabulary has {words.size}: use the one it came with"
        )
    if found.pad_token_id != words.pad:
        raise BadInput(f"{init} pads with id {found.pad_token_id}, the vocabulary with {words.pad}: they do not match")
    if recipe.max_seq_len > found.max_position_embeddings:
        raise BadInput(
            f"max_seq_len {recipe.max_seq_len} is above the {found.max_position_embeddings} positions of {init}:"
            " lower it, and make the ids anew if they are longer"
        )
    return replace(
        found,
        hidden_dropout_prob=recipe.hidden_dropout_prob,
        attention_probs_dropout_prob=recipe.attention_probs_dropout_prob,
    )


def _subject(
    recipe: Recipe,
    net: ErnieForPretraining,
    read: Sequence[Corpus],
    ids: Sequence[tuple[Path, float]],
    address: str,
) -> Subject:
    rows: list[dict[str, Value]] = [
        {
            "documents": len(corpus.docs) - 1,
            "sentences": len(corpus.lens),
            "weight": weight,
            "fingerprint": corpus.fingerprint()[:16],
        }
        for corpus, (_, weight) in zip(read, ids, strict=True)
    ]
    return watch.subject(address, recipe, net.config, sum(int(p.size) for p in net.parameters()), rows)


def _load(training: Training, init: Path) -> None:
    """Take the weights of a model folder; what it lacks of the heads stays random, and is named."""
    missing = weights.start_from(training.net, init)
    wanted = asdict(training.recipe.shape(training.words.size, training.words.pad))
    found = asdict(training.net.config)
    differing = [f"{name} {found[name]} (not {wanted[name]})" for name in found if found[name] != wanted[name]]
    training.say(f"the weights are those of {init}" + (f": {', '.join(differing)}" if differing else ""))
    if missing:
        training.say(f"not in {init}, so these start at random: {', '.join(missing)}")


def _identity(
    recipe: Recipe,
    net: ErnieForPretraining,
    words: Vocabulary,
    read: Sequence[Corpus],
    shares: Sequence[float],
    init: Path | None,
    team: Team,
    way: Exchange,
) -> Identity:
    """What must be equal for a run to go on, and what is worth a note."""
    must = recipe.lasting() | {
        "vocabulary": words.digest[:16],
        "data": " ".join(corpus.fingerprint()[:16] for corpus in read),
        "weights": " ".join(f"{share:g}" for share in shares),
        "model": json.dumps(asdict(net.config), sort_keys=True),
        "init": "random" if init is None else digests.sha256(init / weights.FILE)[:16],
    }
    names = ("OMP_NUM_THREADS", "MKL_DEBUG_CPU_TYPE")
    note: dict[str, str | int | float | bool] = {name: os.environ.get(name, "unset") for name in names}
    note |= {"paddle": paddle.__version__, "processes": team.world, "max_steps": recipe.max_steps}
    note["compiled operations"] = fused.is_compiled()
    if team.world > 1:  # the order in which numbers are added decides the last bits
        note["gradients are added"] = "in shared memory" if isinstance(way, Nearby) else "over the network"
    return Identity(must, note)

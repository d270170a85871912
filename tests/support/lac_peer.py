"""The released LAC models run by Paddle, with a dictionary pass in plain Python: what ours is compared with."""

import itertools
import math
import re
from pathlib import Path

import numpy as np
from paddle import inference

from ernie_core.text.lac import dictionary


class Peer:
    """A model in the folder of the installed package."""

    def __init__(self, place: Path, *, optimised: bool = False) -> None:
        self.known = dictionary.read(place / "conf")
        self.by_words = place.name == "lac_model"
        config = inference.Config(str(place / "model"))
        config.disable_glog_info()
        config.disable_gpu()
        config.set_cpu_math_library_num_threads(1)
        config.switch_ir_optim(optimised)
        self.predictor = inference.create_predictor(config)

    def tags(self, texts: list[str]) -> list[list[str]]:
        """The tag of each character of each text; no text may be empty."""
        tokens = [fast_cut(text, self.known) if self.by_words else list(text) for text in texts]
        rows = [[unit for token in of_text for unit in self.units(token)] for of_text in tokens]
        return [
            self.spread(*pair) for pair in zip(rows, self.decode([[u for u, _ in row] for row in rows]), strict=True)
        ]

    def units(self, token: str) -> list[tuple[int, int]]:
        """The units of a token, and how many characters each stands for."""
        words, replaced = self.known.words, self.known.replaced
        parts = [token] if token in words else list(token)
        return [(words.get(replaced.get(part, part), words["OOV"]), len(part)) for part in parts]

    def decode(self, rows: list[list[int]]) -> list[list[int]]:
        """The number of the tag of each unit."""
        bounds = np.cumsum([0, *map(len, rows)]).tolist()
        handle = self.predictor.get_input_handle(self.predictor.get_input_names()[0])
        handle.copy_from_cpu(np.array([unit for row in rows for unit in row], np.int64).reshape(-1, 1))
        handle.set_lod([bounds])
        self.predictor.run()
        output = self.predictor.get_output_handle(self.predictor.get_output_names()[0])
        flat = output.copy_to_cpu().reshape(-1).tolist()
        return [flat[a:b] for a, b in itertools.pairwise(bounds)]

    def spread(self, row: list[tuple[int, int]], tags: list[int]) -> list[str]:
        """A tag a character."""
        found = []
        for (_, width), tag in zip(row, tags, strict=True):
            name = self.known.tags[tag]
            found += [name] + [name[:-2] + "-I"] * (width - 1)
        return found


def fast_cut(text: str, known: dictionary.Dictionary) -> list[str]:
    """The dictionary pass: the likeliest cut, of equal ones the longer word first; letters and digits join."""
    whole = math.log(known.total)
    best = {len(text): (0.0, 0)}
    for start in range(len(text) - 1, -1, -1):
        ends = [
            e for e in range(start + 1, min(start + 3, len(text)) + 1) if e == start + 1 or text[start:e] in known.cuts
        ]
        best[start] = max((math.log(e - start) - whole + best[e][0], e) for e in ends)
    tokens, at, joinable = [], 0, False
    while at < len(text):
        token = text[at : best[at][1]]
        single = bool(re.fullmatch("[A-Za-z0-9]", token))
        if single and joinable:
            tokens[-1] += token
        else:
            tokens.append(token)
        at, joinable = best[at][1], single
    return tokens

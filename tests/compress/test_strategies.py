"""The table of strategies, the names that a spec may say, and what is served after each."""

from typing import get_args

from components.compress import Compress
from ernie_core.compress import strategies


def test_every_name_has_a_strategy_and_a_spec_may_say_it() -> None:
    assert get_args(strategies.Name) == tuple(strategies.STRATEGIES)
    assert [Compress(strategy=name).strategy for name in strategies.STRATEGIES] == list(strategies.STRATEGIES)

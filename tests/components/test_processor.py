"""A process of a step sets what depends on the processor that it runs on, before anything heavy is imported."""

import os

import pytest

from ernie_core import runtime


@pytest.mark.parametrize(("amd", "said", "expected"), [(True, None, "5"), (True, "4", "4"), (False, None, None)])
def test_the_fast_path_of_old_mkl_is_for_amd_alone(
    monkeypatch: pytest.MonkeyPatch, amd: bool, said: str | None, expected: str | None
) -> None:
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE", raising=False)
    if said is not None:
        monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", said)
    monkeypatch.setattr(runtime, "_is_amd", lambda: amd)
    runtime.fit_processor()
    assert os.environ.get("MKL_DEBUG_CPU_TYPE") == expected

"""What `make setup` does, without doing it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_what_is_compiled_is_compiled_once_after_kfp_whose_command_ours_replaces() -> None:
    done = subprocess.run(["make", "--dry-run", "--always-make", "setup"], cwd=ROOT, capture_output=True, text=True)
    ours, others = (
        [i for i, line in enumerate(done.stdout.splitlines()) if "pip install" in line and line.endswith(end)]
        for end in (" -e .", " -r images/control/dev.lock")
    )
    assert len(ours) == len(others) == 1 and others < ours
    assert "--reinstall-package ernie-jobs" in done.stdout.splitlines()[ours[0]], "also where kfp alone is renewed"

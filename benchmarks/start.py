"""Start-up time of commands, compared with the bare interpreter and the stock command."""

import os
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = str(ROOT / ".venv" / "bin" / "python")
ROUNDS = 15
STOCK = "from kfp.cli.__main__ import main; main()"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours = [PYTHON, "-m", "jobs"]
        ways = {
            "`python -c pass`": [PYTHON, "-c", "pass"],
            "`kfp --help`": [*ours, "--help"],
            "`kfp check specs/ernie1_pretrain.yaml`": [*ours, "check", "specs/ernie1_pretrain.yaml"],
            "`kfp plan specs/quickstart.yaml`, an empty store": [*ours, "plan", "specs/quickstart.yaml", "--set",
                                                                 f"store={folder}/store"],
            "peer: stock kfp's `kfp --help`": [PYTHON, "-c", STOCK, "--help"],
        }  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "ERNIE_JOBS_HOME": f"{folder}/home"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        rounds = [{name: seconds(way, environment) for name, way in ways.items()} for _ in range(1 + ROUNDS)][1:]
    bare = statistics.median(row["`python -c pass`"] for row in rounds)
    print("| command | CPU ms, median [min..max] | to a bare start |\n|---|---|---|")
    for name in ways:
        times = [1000 * row[name] for row in rounds]
        middle = statistics.median(times)
        print(f"| {name} | {middle:.0f} [{min(times):.0f}..{max(times):.0f}] | {middle / 1000 / bare:.1f} |")


def seconds(way: list[str], environment: dict[str, str]) -> float:
    """User and system time of a command; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(way, cwd=ROOT, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()

"""What moving a file to and from S3 costs the client, beside boto3 in the same run, on a server on this machine.

Run with `python benchmarks/transfer.py [megabytes] [rounds]`; prints a table for benchmarks/README.md.
"""

import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]
import servers  # noqa: E402

from ernie_core.store import digests, open_store, transfer  # noqa: E402


def main(megabytes: int = 256, rounds: int = 5) -> None:
    """Every way in turn, round after round, so that a slow moment of the machine meets all of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with servers.seaweed(folder / "server") as (_, env):
            os.environ.update(env)
            ways = _ways(folder, megabytes << 20)
            costs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
            for number in range(rounds + 1):
                for way, action in ways.items():
                    cost = _measured(action)
                    if number:  # the first round warms everything up
                        costs[way].append(cost)
    print(f"{megabytes} MiB, {rounds} rounds after one to warm up, {os.cpu_count()} cores shared with the server.\n")
    print("| way | client CPU s/GB, median [min..max] | MB/s, median |\n|---|---|---|")
    for way, rows in costs.items():
        cpu = [seconds * 1e9 / (megabytes << 20) for seconds, _ in rows]
        speed = statistics.median((megabytes << 20) / 1e6 / wall for _, wall in rows)
        print(f"| {way} | {statistics.median(cpu):.2f} [{min(cpu):.2f}..{max(cpu):.2f}] | {speed:.0f} |")
    print(
        f"\nPeak memory of the client: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB (all ways)."
    )


def _ways(folder: Path, size: int) -> dict[str, Callable[[], None]]:
    import boto3
    from boto3.s3.transfer import TransferConfig

    source, target = folder / "source", folder / "target"
    source.write_bytes(os.urandom(size))
    expected = digests.sha256(source)
    store = open_store(f"s3://{servers.BUCKET}/bench")
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    config = TransferConfig(
        multipart_chunksize=transfer.RANGE, multipart_threshold=transfer.RANGE, max_concurrency=transfer.PARALLEL
    )

    def get(sha256: str | None) -> None:
        target.unlink(missing_ok=True)
        store.download("ours", target, size=size, sha256=sha256)

    def get_boto3() -> None:
        target.unlink(missing_ok=True)
        client.download_file(servers.BUCKET, "bench/boto3", str(target), Config=config)

    return {
        "put, boto3": lambda: client.upload_file(str(source), servers.BUCKET, "bench/boto3", Config=config),
        "put, ours": lambda: store.upload(source, "ours"),
        "get, boto3": get_boto3,
        "get, ours": lambda: get(None),
        "get, ours, SHA-256 checked": lambda: get(expected),
        "SHA-256 alone": lambda: _same(digests.sha256(source), expected),
    }


def _same(found: str, expected: str) -> None:
    if found != expected:
        raise SystemExit("the file changed")


def _measured(action: Callable[[], None]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

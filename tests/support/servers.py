"""Real servers for tests, on loopback and free ports, ended by their process id."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ACCESS, SECRET = "tests-access-key", "tests-secret-key"
BUCKET = "store"
PORTS = ("master", "volume", "filer", "s3")


@contextlib.contextmanager
def seaweed(folder: Path, *, buckets: tuple[str, ...] = (BUCKET,)) -> Iterator[tuple[str, dict[str, str]]]:
    """A SeaweedFS server with S3: its endpoint, and the environment variables with which a client reaches it."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = _free(2 * len(PORTS))
    config = folder / "s3.json"
    credentials = [{"accessKey": ACCESS, "secretKey": SECRET}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config.write_text(json.dumps({"identities": [{"name": "tests", "credentials": credentials, "actions": actions}]}))
    command = [
        _weed(),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.config={config}",
    ]
    for name, port, grpc in zip(PORTS, ports[::2], ports[1::2], strict=True):
        command += [f"-{name}.port={port}", f"-{name}.port.grpc={grpc}"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=512", "-volume.max=16"]
    command += ["-volume.minFreeSpace=1", "-s3.autoCreateBucket=false"]
    endpoint = f"http://127.0.0.1:{ports[2 * PORTS.index('s3')]}"
    env = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(process, endpoint, folder / "server.log")
        for bucket in buckets:
            make_bucket(env, bucket)
        yield endpoint, env
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def away(folder: Path) -> Iterator[None]:
    """Within, the server in a folder answers nobody, as if its machine had hung."""
    process = _serving(folder)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def _serving(folder: Path) -> int:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"-dir={folder}".encode() in entry.read_bytes().split(b"\0"):
                return int(entry.parent.name)
    raise ProcessLookupError(f"no server in {folder}")


def make_bucket(env: dict[str, str], bucket: str) -> None:
    """Create a bucket; a server that has just started may need a moment for it."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_DEFAULT_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 8, "mode": "standard"}),
    )
    client.create_bucket(Bucket=bucket)
    # the first bytes may come before the volume server has registered
    for attempt in range(60):
        try:
            client.put_object(Bucket=bucket, Key="ready", Body=b"ready")
            client.delete_object(Bucket=bucket, Key="ready")
            return
        except client.exceptions.ClientError:
            if attempt == 59:
                raise
            time.sleep(0.5)


def _weed() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if not found:
        raise FileNotFoundError("no `weed` program: install the requirements of the tests")
    return found


def _free(count: int) -> list[int]:
    # held open together, so that they differ
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def _wait(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            raise RuntimeError(
                f"the server ended with {process.returncode}:\n{log.read_text(errors='replace')[-3000:]}"
            )
        try:
            urllib.request.urlopen(endpoint, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(f"the server did not answer at {endpoint}:\n{log.read_text(errors='replace')[-3000:]}")

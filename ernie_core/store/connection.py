"""Connections to S3: endpoint, region and credentials from the standard AWS environment, errors as this project's."""

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ernie_core.errors import BadInput, Denied, Error, Unreachable

if TYPE_CHECKING:
    import obstore.store

RETRIES = 8
PATIENCE = timedelta(seconds=60)
"""Retries, and their time in all, after which a store that does not answer is an error: about ten seconds."""
TIMEOUT = timedelta(seconds=120)
"""Longest time of one request: 16 MiB over a slow line."""
FRESH = timedelta(minutes=5)
"""How long credentials are cached: well below the remaining lifetime that boto3 guarantees."""

_REFUSED = {"ExpiredToken", "InvalidToken", "RequestExpired", "TokenRefreshRequired"}
_ELSEWHERE = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
_AWAY = "EndpointConnection|ConnectTimeout|ReadTimeout|ConnectionClosed|CredentialRetrieval|MetadataRetrieval"
"""Errors of botocore that do not mean that the credentials are wrong."""
_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN with temporary ones), or AWS_PROFILE"


def endpoint() -> str | None:
    """URL of the S3 server; None for Amazon's own."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


def region() -> str | None:
    """The region that the environment names."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or None


def connect(bucket: str, prefix: str) -> "obstore.store.S3Store":
    """A client for one bucket; it uses the network only if the credentials come from there."""
    import boto3
    import botocore.exceptions
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import S3Store

    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            raise Denied(f"no credentials for s3://{bucket}; {_CREDENTIALS}")
    except botocore.exceptions.BotoCoreError as error:
        raise Denied(f"no credentials for s3://{bucket}: {error}; {_CREDENTIALS}") from error
    server = endpoint()
    plain = server is not None and server.startswith("http://")
    config: obstore.store.S3Config = {
        "region": region() or session.region_name or "us-east-1",
        "virtual_hosted_style_request": server is None and "." not in bucket,
        # TLS keeps the bytes intact; without it each part goes with its SHA-256, which costs 0.7 CPU seconds a GB
        "unsigned_payload": not plain,
    }
    if server:
        config["endpoint"] = server
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={
            "allow_http": plain,
            "timeout": TIMEOUT,
            "connect_timeout": timedelta(seconds=5),
        },
        retry_config={
            "max_retries": RETRIES,
            "retry_timeout": PATIENCE,
            "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=10), "base": 2},
        },
        credential_provider=Boto3CredentialProvider(session, ttl=FRESH),
    )


def client(bucket: str) -> Any:
    """boto3's client, for what obstore cannot do; its timeouts are those of obstore."""
    import boto3
    from botocore.config import Config

    path = endpoint() is not None or "." in bucket
    config = Config(
        connect_timeout=5, read_timeout=TIMEOUT.total_seconds(), retries={"mode": "standard", "total_max_attempts": 4},
        s3={"addressing_style": "path" if path else "virtual"},
    )  # fmt: skip
    session = boto3.Session()
    where = region() or session.region_name or "us-east-1"
    return session.client("s3", endpoint_url=endpoint(), region_name=where, config=config)


def abort(bucket: str, below: str, limit: datetime) -> list[str]:
    """Abort multipart uploads begun before `limit`, which obstore cannot do; returns their keys."""
    import boto3
    import botocore.exceptions as failures

    client = boto3.client("s3", endpoint_url=endpoint(), region_name=region())
    try:
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=below)
        old = [upload for page in pages for upload in page.get("Uploads", []) if upload["Initiated"] <= limit]
        for upload in old:
            client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except (failures.BotoCoreError, failures.ClientError) as error:
        raise Error(f"s3://{bucket}/{below}: unfinished uploads could not be aborted: {error}") from error
    return sorted(upload["Key"] for upload in old)


@contextlib.contextmanager
def explained(bucket: str, place: str) -> Iterator[None]:
    """Turn the client's errors into this project's; a missing key stays a FileNotFoundError."""
    import botocore.exceptions as failures
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError, PermissionError) as error:
        text = str(error)
        if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in text:
            raise
        raise _meaning(type(error).__name__, text, bucket, place) from error
    except failures.ClientError as error:
        answer = error.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        word = answer.get("Error", {}).get("Code", "")
        # in the form in which obstore quotes the server
        text = f"status code: {status} <Code>{word}</Code>"
        raise _meaning(type(error).__name__, text, bucket, place) from error
    except (failures.NoCredentialsError, failures.PartialCredentialsError, failures.ProfileNotFound) as error:
        raise Denied(f"no credentials for s3://{bucket}: {error}; {_CREDENTIALS}") from error
    except failures.BotoCoreError as error:
        raise _meaning(type(error).__name__, "HTTP error", bucket, place) from error


def code(error: BaseException) -> str:
    """The server's error code, else the HTTP status, else an empty text."""
    return _code(str(error))


def _code(text: str) -> str:
    found = re.search(r"<Code>(\w+)</Code>", text)
    return found[1] if found else str(_status(text) or "")


def _meaning(kind: str, text: str, bucket: str, place: str) -> Error:
    """Built from the server's code alone: the client's own text may hold anything."""
    server, word, status = endpoint() or "amazonaws.com", _code(text), _status(text)
    if word == "NoSuchBucket":
        return Denied(f"{place}: there is no bucket {bucket} at {server}; create it, or correct the store's address")
    if word in _ELSEWHERE or "Received redirect" in text:
        return BadInput(f"{place}: the bucket {bucket} is in another region; set AWS_REGION to it")
    if kind == "UnauthenticatedError" and not status:
        if re.search(_AWAY, text):
            return Unreachable(f"{place}: the credential provider did not answer; check the network, then run again")
        return Denied(f"{place}: the credentials could not be renewed; {_CREDENTIALS}")
    if status in (401, 403) or word in _REFUSED:
        return Denied(f"{place}: {server} refused access ({word}); {_CREDENTIALS}")
    if status >= 500 or status in (408, 429):
        code = word if word == str(status) else f"{status} {word}"
        why = "it is full, overloaded or restarting"
        return Unreachable(f"{place}: {server} answered {code}: {why}; see its log, then run again")
    if "HTTP error" in text:
        return Unreachable(f"{place}: {server} did not answer (no connection); check AWS_ENDPOINT_URL, then run again")
    if kind == "PreconditionError":
        return BadInput(f"{place}: replaced while it was read; run again")
    return Error(f"{place}: {server} answered {word or kind}; see its log")


def _status(text: str) -> int:
    found = re.search(r"status code: (\d{3})", text)
    return int(found[1]) if found else 0

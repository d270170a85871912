"""The objects of a bucket by their exact keys, even those that are not paths, which obstore cannot read."""

from collections.abc import Iterator
from typing import Any

from ernie_core.store import connection
from ernie_core.store.base import Entry


def objects(bucket: str, prefix: str = "") -> Iterator[Entry]:
    """Every object whose key begins with `prefix`, in the byte order of the keys."""
    with connection.explained(bucket, f"s3://{bucket}/{prefix}"):
        for page in connection.client(bucket).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from map(_entry, page.get("Contents", ()))


def first(bucket: str, prefix: str) -> Entry | None:
    """The first object whose key begins with `prefix`: the one with exactly this key, if there is one."""
    with connection.explained(bucket, f"s3://{bucket}/{prefix}"):
        page = connection.client(bucket).list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    return next(map(_entry, page.get("Contents", ())), None)


def _entry(row: Any) -> Entry:
    return Entry(row["Key"], row["Size"], row.get("ETag"), row["LastModified"])

"""The endpoint of Kubeflow Pipelines; finding it loads no client."""

import os
from collections.abc import Mapping

from jobs.spec.site import Site

VARIABLES = ("KFP_ENDPOINT", "KF_PIPELINES_ENDPOINT")
"""Where an endpoint may be named, the first before the second: the stock command's variable, the stock client's."""


def find(site: Site, options: Mapping[str, str]) -> tuple[str, str]:
    """The endpoint, and what names it; empty if nothing does."""
    if given := options.get("endpoint"):
        return url(given), "--endpoint" if given not in map(os.environ.get, VARIABLES) else "$KFP_ENDPOINT"
    for name in VARIABLES:
        if given := os.environ.get(name):
            return url(given), f"${name}"
    if site.cluster and site.cluster.endpoint:
        return site.cluster.endpoint, "the site file"
    return "", ""


def url(text: str) -> str:
    """What a person wrote, as an address."""
    return text.rstrip("/") if "://" in text else f"https://{text.rstrip('/')}"

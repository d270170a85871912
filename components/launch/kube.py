"""The cluster's API over HTTP, as plain mappings; the only importer of the `kubernetes` client."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from components.launch.observation import Refusal, Unavailable
from ernie_core.errors import Denied

Object = dict[str, Any]

TIMEOUT = (5, 30)
"""Seconds to connect, and to answer."""
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_AGAIN = (408, 410, 429)


class Kube:
    """One cluster, as one account sees one namespace of it. Raises Unavailable and Refusal, nothing else."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._api, self.namespace = api, namespace

    def read(self, path: str, **query: object) -> Object:
        """One object, or a list of them."""
        return self._call("GET", path, query)

    def find(self, path: str) -> Object | None:
        """One object; None if it is not there."""
        try:
            return self.read(path)
        except Refusal as refusal:
            if refusal.status == 404:
                return None
            raise

    def create(self, path: str, body: Object) -> Object:
        """A new object. After Unavailable it may be there all the same."""
        return self._call("POST", path, {}, body)

    def replace(self, path: str, body: Object) -> Object:
        """An object that nobody has changed since it was read."""
        return self._call("PUT", path, {}, body)

    def delete(self, path: str, *, uid: str = "", grace: int | None = None, wait: bool = False) -> None:
        """Make sure that an object goes; with `uid` only that very one, with `wait` after all that it owns."""
        options: Object = {"propagationPolicy": "Foreground" if wait else "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            self._call("DELETE", path, {}, options)
        except Refusal as refusal:
            if refusal.status not in (404, 409):  # gone, or another one of the same name: not what was meant
                raise

    def wait(self, path: str, selector: str, version: str, seconds: int) -> None:
        """Until something of a list changes after a version of it, or for so long. It is an alarm clock: what changed
        is found by listing again, so an event that is lost, or a version that is too old, does no harm."""
        query = {"watch": "true", "labelSelector": selector, "resourceVersion": version, "timeoutSeconds": seconds}
        with self._stream(path, query, (5, seconds + 10)) as response:
            next(_lines(response), None)

    def log(self, pod: str, container: str, **query: object) -> Iterator[bytes]:
        """The lines of a container's log."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log"
        with self._stream(path, {"container": container, **query}, (5, 300)) as response:
            yield from _lines(response)

    def _call(self, method: str, path: str, query: Mapping[str, object], body: Object | None = None) -> Object:
        with _explained(method, path):
            response = self._send(method, path, query, TIMEOUT, body)
            value = json.loads(response.data or b"{}")
        if not isinstance(value, dict):
            raise Unavailable(f"{method} {path}: the answer is not an object")
        return value

    @contextmanager
    def _stream(self, path: str, query: Mapping[str, object], timeout: tuple[int, int]) -> Iterator[Any]:
        with _explained("GET", path):
            response = self._send("GET", path, query, timeout)
            try:
                yield response
            finally:
                response.close()

    def _send(self, method: str, path: str, query: Mapping[str, object], timeout: tuple[int, int],
              body: Object | None = None) -> Any:  # fmt: skip
        return self._api.call_api(
            path, method, query_params=list(query.items()), body=body, auth_settings=["BearerToken"],
            header_params={"Accept": "application/json, */*", "Content-Type": "application/json"},
            _preload_content=False, _return_http_data_only=True, _request_timeout=timeout,
        )  # fmt: skip


def connect(namespace: str = "") -> Kube:
    """The cluster that this pod is in; else the one of the user's kubeconfig."""
    settings = client.Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and _NAMESPACE.exists():
            config.load_incluster_config(settings)
            own = _NAMESPACE.read_text(encoding="utf-8").strip()
        else:
            file = os.environ.get("KUBECONFIG")  # the client reads it only once, when it is imported
            config.load_kube_config(file, client_configuration=settings)
            own = config.list_kube_config_contexts(file)[1]["context"].get("namespace", "default")
    except config.ConfigException as error:
        raise Denied(f"no cluster to work on: {error}; set KUBECONFIG, or run in a pod") from error
    return Kube(open_api(settings), namespace or own)


def open_api(settings: client.Configuration) -> client.ApiClient:
    """A client without retries of its own: its caller retries, and reports it."""
    settings.retries = False
    return client.ApiClient(settings)


def _lines(response: Any) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(amt=None, decode_content=True) if response.chunked else iter(response.read1, b""):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


@contextmanager
def _explained(method: str, path: str) -> Iterator[None]:
    """Every error as one of two: the API did not answer, or it refused."""
    asked = f"{method} {path}"
    try:
        yield
    except ApiException as error:
        reason, message = _reason(error)
        if not error.status or error.status in _AGAIN or error.status >= 500:
            raise Unavailable(f"{asked}: {message}") from error
        raise Refusal(error.status, reason, message, asked) from error
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise Unavailable(f"{asked}: the cluster's API did not answer ({type(error).__name__})") from error


def _reason(error: ApiException) -> tuple[str, str]:
    try:
        status = json.loads(error.body or b"{}")
        return str(status.get("reason", "")), str(status.get("message") or error.reason)
    except (ValueError, AttributeError):
        return "", f"HTTP {error.status} {error.reason}"

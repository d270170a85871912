"""Kubeflow Pipelines over its own client: send a run, ask how it is, end it. The only caller of its API."""

import json
import logging
import os
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ernie_core.errors import Denied, Error, NotFound, Unreachable

if TYPE_CHECKING:
    from jobs.cluster.compile import CompiledPipeline

ACTIVE = ("PENDING", "RUNNING", "CANCELING", "PAUSED", "")
"""States of a run in progress; the empty state is that of one that has just been sent."""
TIMEOUT = 10.0
_TOKEN_VARIABLE, _TOKEN = "KF_PIPELINES_SA_TOKEN_PATH", "/var/run/secrets/kubeflow/pipelines/token"


@dataclass(frozen=True)
class Sent:
    """A run as Kubeflow Pipelines knows it."""

    id: str
    name: str
    state: str
    cancelled: bool = False
    """Whether it was cancelled: its state is then that of a failure."""

    @property
    def active(self) -> bool:
        """Whether it is in progress."""
        return self.state in ACTIVE


class Pipelines:
    """One server, as one account sees one namespace of it. Raises Unreachable, Denied, NotFound or Error."""

    def __init__(self, client: Any, endpoint: str, namespace: str) -> None:
        self._client, self.endpoint, self._namespace = client, endpoint, namespace

    def send(self, package: "CompiledPipeline", service_account: str) -> Sent:
        """Start a run. After an error it may have started all the same, so its name is searched for before the error is
        raised."""
        with _explained(self.endpoint), redirect_stdout(None):
            experiment = self._client.create_experiment(package.pipeline, namespace=self._namespace).experiment_id
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "pipeline.yaml")
            file.write_text(package.text, encoding="utf-8")
            try:
                with _explained(self.endpoint), redirect_stdout(None):
                    made = self._client.run_pipeline(
                        experiment, package.name, pipeline_package_path=str(file), enable_caching=False,
                        service_account=service_account,
                    )  # fmt: skip
            except Error:
                if found := self.find(package.name):
                    return found
                raise
        return Sent(made.run_id, package.name, made.state or "")

    def find(self, name: str) -> Sent | None:
        """The run of a name; there is one at most, for it ends with the id of our own record."""
        equal = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        with _explained(self.endpoint):
            rows = self._client.list_runs(
                namespace=self._namespace, page_size=2, filter=json.dumps({"predicates": [equal]})
            ).runs
        return _sent(rows[0]) if rows else None

    def look(self, id: str) -> Sent:
        """How a run is. NotFound if it was deleted."""
        with _explained(self.endpoint):
            return _sent(self._client.get_run(id))

    def terminate(self, id: str) -> None:
        """Ask a run to end; one that has ended stays as it is."""
        try:
            with _explained(self.endpoint):
                self._client.terminate_run(id)
        except Error:
            if self.look(id).active:
                raise


def connect(endpoint: str, namespace: str, options: Mapping[str, str]) -> Pipelines:
    """A server that answers; `options` are those of the command line by which one is reached."""
    _ping(endpoint)
    logging.getLogger("kfp").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=FutureWarning, module="kfp")  # of servers older than any we work with
    import kfp
    from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

    named = os.environ.get(_TOKEN_VARIABLE)
    mounted = named or (_TOKEN if Path(_TOKEN).exists() else None)
    token = options.get("existing_token")
    with _explained(endpoint):
        client = kfp.Client(
            host=endpoint, namespace=namespace, existing_token=token, client_id=options.get("iap_client_id"),
            other_client_id=options.get("other_client_id"), other_client_secret=options.get("other_client_secret"),
            credentials=ServiceAccountTokenVolumeCredentials(mounted) if mounted and not token else None,
        )  # fmt: skip
    return Pipelines(client, endpoint, namespace)


def _ping(endpoint: str) -> None:
    """Whether anybody is there, before the client tries for half a minute. A server that asks who we are is."""
    try:
        urllib.request.urlopen(f"{endpoint.rstrip('/')}/apis/v2beta1/healthz", timeout=TIMEOUT).close()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise Error(f"{endpoint} has no pipeline API: correct the endpoint") from error
        if error.code >= 500:
            raise Unreachable(f"{endpoint} answers {error.code}: {error.reason}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(
            f"{endpoint} does not answer ({reason}): correct the endpoint, or start the port-forward"
        ) from error


def _sent(run: Any) -> Sent:
    history = [row.state for row in run.state_history or ()]
    return Sent(run.run_id, run.display_name, run.state or "", "CANCELING" in history)


@contextmanager
def _explained(endpoint: str) -> Iterator[None]:
    """What the client and the libraries below it raise, as ours, with what the server said."""
    import kfp_server_api
    import urllib3

    try:
        yield
    except kfp_server_api.ApiException as error:
        message = _message(error)
        if error.status in (401, 403):
            text = f"{endpoint} denies this account access ({error.status}): {message}"
            raise Denied(f"{text}; give a token with $KFP_EXISTING_TOKEN") from error
        if error.status == 404:
            raise NotFound(f"{endpoint}: {message}") from error
        if not error.status or error.status >= 500:
            raise Unreachable(f"{endpoint} failed ({error.status}): {message}") from error
        raise Error(f"{endpoint} rejects it ({error.status}): {message}") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Unreachable(f"{endpoint} does not answer ({type(error).__name__}): check that it is running") from error


def _message(error: Any) -> str:
    try:
        text = str(json.loads(error.body)["message"])
    except (ValueError, KeyError, TypeError):
        text = str(error.reason)
    return " ".join(text.split())[:300]

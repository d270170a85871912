"""The `cluster:` block of a site file: what a platform team says of its Kubernetes and its Kubeflow Pipelines."""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from components.contract.strict import Strict
from components.contract.values import Duration, Size
from ernie_core.wording import shorten

DIGEST = r"sha256:[0-9a-f]{64}"
_REFERENCE = rf"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)+(:\w[\w.-]{{0,127}})?(@{DIGEST})?"
_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_OBJECT = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
_NO_SUCH = "KFP drops it silently; an administrator can set it for all runs, with COMPILED_PIPELINE_SPEC_PATCH"


def _image(value: str) -> str:
    if not re.fullmatch(rf"{DIGEST}|{_REFERENCE}", value):
        raise ValueError(f"`{shorten(value)}` is not an image, write `sha256:...` or `host/name@sha256:...`")
    return value


def _keys(value: object) -> object:
    # What stands here by mistake may be a password: it is not repeated.
    if not isinstance(value, list):
        raise ValueError("a secret's keys, never their values: `[AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]`")
    if not all(isinstance(key, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) for key in value):
        raise ValueError("a key that is no name of an environment variable: name the keys as the variables")
    return value


def _proxy(value: object) -> object:
    # Nor is this, for the same reason.
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^@/?#]+/?", value):
        raise ValueError("an address as `http://host:3128`; one with a password is a secret with the key HTTPS_PROXY")
    return value


class S3(Strict):
    """Where `s3://` is, when it is not AWS."""

    endpoint_url: str | None = Field(None, pattern=r"^https?://")
    """Object store endpoint URL."""
    region: str | None = None
    """Object store region."""

    def environment(self) -> dict[str, str]:
        """The variables by which AWS libraries learn of it."""
        wanted = {"AWS_ENDPOINT_URL_S3": self.endpoint_url, "AWS_REGION": self.region}
        return {name: value for name, value in wanted.items() if value}


class Volume(Strict):
    """A folder that all pods share."""

    claim: str = Field(pattern=_OBJECT)
    """PersistentVolumeClaim that several nodes can mount."""
    path: str = Field(pattern=r"^(/[^/]+)+$")
    """Absolute mount path in the pods; a store or an input below it is on the volume."""
    sub_path: str = Field("", pattern=r"^([^/].*)?$")
    """Folder of the volume to mount; default: the whole volume."""


class Toleration(Strict):
    """A toleration of a node taint."""

    key: str | None = None
    """Key of the taint; default: any key."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Comparison with the taint: `Equal` compares the value, `Exists` ignores it."""
    value: str | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; default: any effect."""


class Gpu(Strict):
    """Nodes with GPUs."""

    node_selector: Mapping[str, str] = {}
    """Node labels that steps with GPUs require in addition to those of all steps."""
    tolerations: tuple[Toleration, ...] = ()
    """Tolerations of steps with GPUs in addition to those of all steps."""


class Launcher(Strict):
    """The pod that starts a step's other pods and supervises them."""

    cpu: float = Field(0.1, ge=0.01, le=64)
    """Number of cores; default: 0.1."""
    memory: Size = 512 * 2**20
    """Memory, including the processes that Kubeflow Pipelines runs in its pod; default: 512 MiB."""


class Proxy(Strict):
    """The way from the pods of a cluster to addresses outside; only steps that download get it."""

    url: Annotated[str, BeforeValidator(_proxy)]
    """Proxy URL, as `http://host:3128`; one with a password is a secret with the key HTTPS_PROXY instead."""
    no_proxy: str = "localhost,127.0.0.1,.svc,.cluster.local"
    """Hosts that are reached directly, separated by commas: also the object store, if it is inside."""

    def environment(self) -> dict[str, str]:
        """The variables by which HTTP clients learn of it."""
        return {"HTTPS_PROXY": self.url, "HTTP_PROXY": self.url, "NO_PROXY": self.no_proxy}


class Cluster(Strict):
    """A Kubernetes cluster with Kubeflow Pipelines."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("priority_class", "priority_class_name", "scheduler", "scheduler_name", "pod_affinity",
                         "init_containers", "read_only_root", "topology_spread"), _NO_SUCH),
        "termination_grace_period": "is `grace` here",
        "shared_memory": "leave it out: /dev/shm of every step is memory, as much as the step has",
        "security_context": "leave it out: every step runs as user 1000, without privileges",
        "image_pull_secrets": "belongs to the service account: `imagePullSecrets` of the ServiceAccount",
    }  # fmt: skip
    """Settings that one may look for here, and why there are none."""

    endpoint: str | None = Field(None, pattern=r"^https?://")
    """Kubeflow Pipelines endpoint URL; `$KFP_ENDPOINT` and `$KF_PIPELINES_ENDPOINT` take precedence."""
    namespace: str = Field(pattern=_LABEL)
    """Namespace of runs and of everything they start: lower-case letters, digits and `-`."""
    service_account: str = Field(pattern=_OBJECT)
    """Service account of steps and launchers; the chart creates one with the rights that they need."""
    store: str | None = Field(None, pattern=r"^(s3://|file:///|/)")
    """Store of runs on the cluster, for specs whose own store is a folder that is on no volume."""
    s3: S3 | None = None
    """Object store as pods reach it, if that differs from the `s3` block of the site file."""
    mirror: str | None = None
    """Mirror as pods reach it, if that differs from the one of the site file; a folder must be on a volume."""
    proxy: Proxy | None = None
    """Proxy of steps that download; default: none."""
    allow_tags: bool = False
    """Whether images may be named by tag, which can mean another image tomorrow; default: false."""
    registry: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9._-]+)*$")
    """Registry of images that are given by digest alone: `REGISTRY/NAME@sha256:...`."""
    images: Mapping[str, Annotated[str, AfterValidator(_image)]] = {}
    """Image of each environment (`text`, `train`, `train-gpu`, `deploy`, `launch`): `sha256:...` or
    `host/name@sha256:...`."""
    secrets: Mapping[str, Annotated[tuple[str, ...], BeforeValidator(_keys)]] = {}
    """Secrets of the namespace, each with its keys; steps get each key as an environment variable of that name."""
    volumes: tuple[Volume, ...] = ()
    """Shared volumes, mounted into all pods."""
    node_selector: Mapping[str, str] = {}
    """Labels of the nodes that steps may run on."""
    tolerations: tuple[Toleration, ...] = ()
    """Tolerations of all steps."""
    gpu: Gpu = Field(default_factory=Gpu)
    """Placement of steps with GPUs."""
    queue: str = Field("", pattern=rf"{_LABEL}|^$")
    """Kueue LocalQueue of shards and gangs; launchers and single pods do not queue."""
    grace: Annotated[Duration, Field(ge=10)] | None = None
    """Longest termination grace period that nodes grant, such as `30s`, where they are reclaimed at short notice;
    default: as long as a save takes."""
    launcher: Launcher = Field(default_factory=Launcher)
    """Resources of the pod that supervises shards or a gang."""

    def holds(self, path: str) -> bool:
        """Whether a path, or the path of a `file://` address, is on a volume."""
        path = os.path.normpath(unquote(urlsplit(path).path) if path.startswith("file://") else path)
        return any(path == v.path or path.startswith(f"{v.path}/") for v in self.volumes)


def contradictions(cluster: Cluster) -> list[tuple[tuple[str | int, ...], str]]:
    """Contradictions between settings, each with its place in the block."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    if cluster.store and not cluster.store.startswith("s3://") and not cluster.holds(cluster.store):
        found.append(
            (("store",), f"`{cluster.store}` is on no volume, name one below `volumes`, or s3://bucket/prefix")
        )
    if cluster.mirror and "://" not in cluster.mirror and not cluster.holds(cluster.mirror):
        found.append((("mirror",), f"`{cluster.mirror}` is on no volume, name one below `volumes`, or its address"))
    for name, value in cluster.images.items():
        if value.startswith("sha256:") and not cluster.registry:
            found.append((("images", name), f"`{value[:14]}...` is in which registry? add `registry: host/name`"))
        elif "sha256:" not in value and not cluster.allow_tags:
            text = f"`{value}` may mean another image tomorrow, name it by digest: `{re.sub(':[^/]*$', '', value)}"
            found.append((("images", name), f"{text}@sha256:...` (or `allow_tags: true`)"))
    keys: dict[str, str] = {}
    for secret, names in cluster.secrets.items():
        for key in names:
            if keys.setdefault(key, secret) != secret:
                found.append((("secrets", secret), f"`{key}` is also a key of `{keys[key]}`, which of them counts?"))
    paths = [volume.path for volume in cluster.volumes]
    for i, path in enumerate(paths):
        if path in paths[:i]:
            found.append((("volumes", i, "path"), f"`{path}` is the path of two volumes, give each its own"))
    return found


def as_mappings(tolerations: tuple[Toleration, ...]) -> tuple[dict[str, Any], ...]:
    """As Kubernetes spells them."""
    return tuple(toleration.model_dump(exclude_none=True) for toleration in tolerations)

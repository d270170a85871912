"""A cluster for tests of launchers: the real REST interface over HTTP, with controllers that do what a test tells them.

Jobs get their pods as soon as they are created; what becomes of the pods is for the test. Requests are counted by verb
and resource, and can be made to fail.
"""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)/namespaces/(?P<namespace>[^/]+)/(?P<plural>[^/]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?"
)
INDEX = {"paddlejobs": "training.kubeflow.org/replica-index", "jobs": "batch.kubernetes.io/job-completion-index"}
KINDS = {"paddlejobs": "PaddleJob", "jobs": "Job", "pods": "Pod", "events": "Event", "leases": "Lease",
         "workflows": "Workflow"}  # fmt: skip


class FakeCluster:
    """Objects by plural and name; `fault` is asked at each request and may answer in the server's stead."""

    def __init__(self, rights: Mapping[tuple[str, str], tuple[str, ...]]) -> None:
        self.rights = rights
        self.objects: dict[tuple[str, str], Object] = {}
        self.lock, self.version = threading.Condition(threading.RLock()), 0
        self.calls: set[tuple[str, str, str]] = set()
        self.fault: Callable[[str, str], tuple[int, str] | None] = lambda verb, plural: None
        self.logs: dict[str, list[str]] = {}
        self.start = True
        """Whether pods run as soon as they are there."""
        self.stuck: set[str] = set()
        """Nodes on which nobody is left to end a pod."""
        self.kinds = set(KINDS)
        self.requests = 0

    # What a test checks.

    def all(self, plural: str) -> list[Object]:
        with self.lock:
            return [found for (kind, _), found in sorted(self.objects.items()) if kind == plural]

    def pods(self, job: str = "") -> list[Object]:
        return [pod for pod in self.all("pods") if pod["metadata"]["name"].startswith(job)]

    # What a test does to it.

    def run(self, pod: str) -> None:
        self.status(pod, phase="Running", state={"running": {"startedAt": now()}})

    def exit(self, pod: str, code: int, reason: str = "", message: str = "") -> None:
        """The process of a pod ends."""
        ended = {"exitCode": code, "finishedAt": now(), "reason": reason or ("Error" if code else "Completed")}
        phase = "Failed" if code else "Succeeded"
        self.status(pod, phase=phase, state={"terminated": {**ended, "message": message}})
        with self.lock:
            if ("pods", pod) in self.objects:
                self._reconcile(_owner(self.objects["pods", pod]))

    def disrupt(self, pod: str, reason: str) -> None:
        """As preemption, eviction and the loss of a node begin; the pod goes a moment later, or when it is forced."""
        with self.lock:
            found = self.objects["pods", pod]
            found["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 0}
            self.status(pod, conditions=[{"type": "DisruptionTarget", "status": "True", "reason": reason}])
        threading.Timer(0.3, self.delete, ("pods", pod)).start()

    def wait_for(self, pod: str, reason: str, message: str = "") -> None:
        """A pod that does not start."""
        self.status(pod, phase="Pending", state={"waiting": {"reason": reason, "message": message}})

    def status(self, pod: str, state: Object | None = None, **changes: Any) -> None:
        with self.lock:
            found = self.objects["pods", pod]
            if state:
                name = found["spec"]["containers"][0]["name"]
                changes["containerStatuses"] = [{"name": name, "image": "some/image", "state": state}]
            found["status"] = {**found["status"], **changes}
            self._changed(found)

    def condition(self, plural: str, name: str, kind: str, holds: bool = True, message: str = "") -> None:
        with self.lock:
            found = self.objects[plural, name]
            rows = [row for row in found["status"].get("conditions", []) if row["type"] != kind]
            # The newest is not the last, on purpose.
            row = {"type": kind, "status": str(holds), "message": message, "reason": kind}
            found["status"]["conditions"] = [row, *rows]
            self._changed(found)

    def suspend(self, job: str, so: bool) -> None:
        """As a queue does."""
        with self.lock:
            self.objects["paddlejobs", job]["spec"]["runPolicy"]["suspend"] = so
            self.condition("paddlejobs", job, "Suspended", so)
            for pod in self.pods(job):
                del self.objects["pods", pod["metadata"]["name"]]
            if not so:
                self._make_pods("paddlejobs", self.objects["paddlejobs", job])

    def event(self, name: str, reason: str, message: str) -> None:
        body = {"metadata": {"name": f"{name}.{uuid.uuid4().hex[:8]}", "namespace": "ns"}, "reason": reason,
                "message": message, "involvedObject": {"name": name}}  # fmt: skip
        self.put("events", body)

    def put(self, plural: str, body: Object) -> Object:
        with self.lock:
            meta = body["metadata"]
            meta |= {"uid": str(uuid.uuid4()), "namespace": "ns"}
            meta.setdefault("creationTimestamp", now())
            body.setdefault("status", {})
            self.objects[plural, meta["name"]] = body
            self._changed(body)
            if plural in INDEX and self.start is not None:
                self._make_pods(plural, body)
            return body

    def delete(self, plural: str, name: str, grace: int | None = None) -> None:
        with self.lock:
            found = self.objects.get((plural, name))
            if found is None:
                return
            if plural == "pods" and grace != 0 and found["spec"].get("nodeName") in self.stuck:
                found["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 0}
                self._changed(found)
                return
            owned = [p["metadata"]["name"] for p in self.pods() if _owner(p) == name]
            for pod in owned if plural in INDEX else ():
                self.delete("pods", pod)
            left = [pod for pod in owned if ("pods", pod) in self.objects]
            if plural in INDEX and left:
                found["metadata"]["deletionTimestamp"] = now()
            else:
                del self.objects[plural, name]
            self._changed(found)
            if plural == "pods":
                self._collect(found)

    # Controllers.

    def _make_pods(self, plural: str, job: Object) -> None:
        spec, name = job["spec"], job["metadata"]["name"]
        if plural == "paddlejobs":
            worker = spec["paddleReplicaSpecs"]["Worker"]
            template, count, form = worker["template"], worker["replicas"], f"{name}-worker-%d"
        else:
            template, count, form = spec["template"], spec["parallelism"], f"{name}-%d"
        for i in range(count):
            labels = {**template["metadata"]["labels"], INDEX[plural]: str(i)}
            owner = [{"kind": KINDS[plural], "name": name, "uid": job["metadata"]["uid"]}]
            pod = {"metadata": {"name": form % i, "labels": labels, "ownerReferences": owner},
                   "spec": {**template["spec"], "nodeName": f"node{i}"}, "status": {"phase": "Pending"}}  # fmt: skip
            self.put("pods", pod)
            if self.start:
                self.run(form % i)

    def _reconcile(self, job: str) -> None:
        plural = "paddlejobs" if ("paddlejobs", job) in self.objects else "jobs"
        phases = [pod["status"]["phase"] for pod in self.pods(job)]
        if phases and all(phase == "Succeeded" for phase in phases):
            self.condition(plural, job, "Succeeded" if plural == "paddlejobs" else "Complete")
        elif plural == "paddlejobs" and "Failed" in phases:
            self.condition(plural, job, "Failed", message="a worker failed")

    def _collect(self, pod: Object) -> None:
        owner = _owner(pod)
        for plural in INDEX:
            job = self.objects.get((plural, owner))
            if job and "deletionTimestamp" in job["metadata"] and not self.pods(owner):
                del self.objects[plural, owner]

    def _changed(self, found: Object) -> None:
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)
        self.lock.notify_all()


def _owner(pod: Object) -> str:
    owners = pod["metadata"].get("ownerReferences") or [{"name": ""}]
    return str(owners[0]["name"])


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def serve(cluster: FakeCluster) -> Iterator[str]:
    """Its address."""
    handler = type("Bound", (_Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    cluster: FakeCluster
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are written apart, and would wait 40 ms for each other

    def log_message(self, *_: object) -> None: ...

    def _answer(self) -> None:
        parts, cluster = urlsplit(self.path), self.cluster
        query = {key: row[0] for key, row in parse_qs(parts.query).items()}
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"null")
        match = PATH.fullmatch(parts.path)
        assert match, parts.path
        plural, name, sub = match["plural"], match["name"] or "", match["sub"] or ""
        verb = {"POST": "create", "PUT": "update", "DELETE": "delete"}.get(self.command)
        verb = verb or ("watch" if "watch" in query else "get" if name else "list")
        with cluster.lock:
            cluster.requests += 1
            asked = match["group"] or "", f"{plural}/{sub}" if sub else plural
            cluster.calls.add((*asked, verb))
            fault = cluster.fault(verb, plural)
            if verb not in cluster.rights.get(asked, ()):
                fault = 403, f"this account may not {verb} {asked}"
        if fault:
            self._fail(*fault)
        elif plural not in cluster.kinds:
            self._fail(404, "the server could not find the requested resource")
        elif verb == "watch":
            self._watch(plural, query)
        elif sub == "log":
            self._log(name, query)
        else:
            with cluster.lock:
                getattr(self, f"_{verb}")(plural, name, query, body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def _list(self, plural: str, name: str, query: dict[str, str], body: Object) -> None:
        items = [found for found in self.cluster.all(plural) if _selected(found, query)]
        self._send(200, {"metadata": {"resourceVersion": str(self.cluster.version)}, "items": items})

    def _get(self, plural: str, name: str, query: dict[str, str], body: Object) -> None:
        found = self.cluster.objects.get((plural, name))
        self._send(200, found) if found else self._fail(404, f'{plural} "{name}" not found')

    def _create(self, plural: str, name: str, query: dict[str, str], body: Object) -> None:
        if body.get("kind") != KINDS[plural]:
            self._fail(400, f"{body.get('kind')} cannot be handled as a {KINDS[plural]}")
        elif (plural, body["metadata"]["name"]) in self.cluster.objects:
            self._fail(409, "already exists")
        else:
            self._send(201, self.cluster.put(plural, body))

    def _update(self, plural: str, name: str, query: dict[str, str], body: Object) -> None:
        found = self.cluster.objects.get((plural, name))
        if found is None:
            self._fail(404, "not found")
        elif found["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            self._fail(409, "the object has been modified")
        else:
            self._send(200, self.cluster.put(plural, body))

    def _delete(self, plural: str, name: str, query: dict[str, str], body: Object) -> None:
        found, wanted = self.cluster.objects.get((plural, name)), (body or {}).get("preconditions", {}).get("uid")
        if found is None:
            self._fail(404, "not found")
        elif wanted and wanted != found["metadata"]["uid"]:
            self._fail(409, "the UID in the precondition does not match")
        else:
            self.cluster.delete(plural, name, body.get("gracePeriodSeconds"))
            self._send(200, {"status": "Success"})

    def _watch(self, plural: str, query: dict[str, str]) -> None:
        since, end = int(query["resourceVersion"]), time.monotonic() + 0.1  # a server may end a watch at any time
        self._begin()
        with self.cluster.lock:
            while time.monotonic() < end:
                for found in self.cluster.all(plural):
                    if int(found["metadata"]["resourceVersion"]) > since and _selected(found, query):
                        self._chunk(json.dumps({"type": "MODIFIED", "object": found}).encode() + b"\n")
                        end = 0
                        break
                self.cluster.lock.wait(0.02)
        self._chunk(b"")

    def _log(self, pod: str, query: dict[str, str]) -> None:
        lines = self.cluster.logs.get(pod, [])
        if ("pods", pod) not in self.cluster.objects:
            return self._fail(404, f'pods "{pod}" not found')
        since = query.get("sinceTime", "")[:19]
        lines = [line for line in lines if line[:19] >= since][-int(query.get("tailLines", 10**6)) :]
        self._begin()
        for line in lines:
            text = line if "timestamps" in query else line.partition(" ")[2]
            self._chunk(text.encode() + b"\n")
        self._chunk(b"")

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _fail(self, code: int, message: str) -> None:
        if code == 0:  # the connection is lost
            self.close_connection = True
            self.connection.close()
            return
        self._send(code, {"kind": "Status", "code": code, "message": message, "reason": ""})

    def _send(self, code: int, value: Object) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _selected(found: Object, query: dict[str, str]) -> bool:
    labels = found["metadata"].get("labels", {})
    for part in filter(None, query.get("labelSelector", "").split(",")):
        key, sign, value = part.partition("=")
        if key.startswith("!"):
            if key[1:] in labels:
                return False
            continue
        if key not in labels or (sign and labels[key] != value):
            return False
    name = query.get("fieldSelector", "").removeprefix("involvedObject.name=")
    return not name or found["involvedObject"]["name"] == name

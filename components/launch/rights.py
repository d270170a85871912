"""What a launcher may do in its namespace, exactly: the Role of its service account says the same."""

from collections.abc import Mapping

from components.launch.sweep import BACKENDS

RIGHTS: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{(b.group.partition("/")[0], b.plural): ("create", "delete", "list") for b in BACKENDS},
    ("", "pods"): ("delete", "get", "list", "watch"),
    ("", "pods/log"): ("get",),
    ("", "events"): ("list",),
    ("coordination.k8s.io", "leases"): ("create", "delete", "get", "list", "update"),
    ("argoproj.io", "workflows"): ("get",),
}
"""Group and resource -> verbs."""

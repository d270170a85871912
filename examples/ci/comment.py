"""Writes a comment on the pull request, or the merge request, of this job: `kfp plan ... | python comment.py TITLE`.

A comment of the same title is replaced, so that a request has one plan and not one for each push. On GitHub it needs
GITHUB_TOKEN and PULL_REQUEST (its number), on GitLab GITLAB_TOKEN; all else is in the environment of every job.
"""

import json
import os
import sys
import urllib.request
from typing import Any

LONGEST = 60_000
"""Most characters of a comment; GitHub accepts 65,536."""


def main() -> None:
    """Read the text, write the comment."""
    title, text = sys.argv[1], sys.stdin.read().strip()
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n... and {len(text) - LONGEST} characters more, see the log of the job"
    head = f"### {title}"
    url, headers, method = target()
    mine = [row for row in listed(url, headers) if row["body"].startswith(head + "\n")]
    body = {"body": f"{head}\n\n```\n{text}\n```"}
    if mine:
        ask(method, place(url, mine[0]), headers, body)
    else:
        ask("POST", url, headers, body)


def target() -> tuple[str, dict[str, str], str]:
    """URL of the comments, headers with the token, and the HTTP method that replaces one."""
    at = os.environ
    if "GITLAB_CI" in at:
        url = f"{at['CI_API_V4_URL']}/projects/{at['CI_PROJECT_ID']}/merge_requests/{at['CI_MERGE_REQUEST_IID']}/notes"
        return url, {"PRIVATE-TOKEN": at["GITLAB_TOKEN"]}, "PUT"
    url = f"{at['GITHUB_API_URL']}/repos/{at['GITHUB_REPOSITORY']}/issues/{at['PULL_REQUEST']}/comments"
    return url, {"Authorization": f"Bearer {at['GITHUB_TOKEN']}"}, "PATCH"


def listed(url: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """All comments."""
    found: list[dict[str, Any]] = []
    while True:
        rows = ask("GET", f"{url}?per_page=100&page={len(found) // 100 + 1}", headers)
        found += rows
        if len(rows) < 100:
            return found


def place(url: str, row: dict[str, Any]) -> str:
    """URL of one comment; those of GitHub include it."""
    return str(row["url"]) if "url" in row else f"{url}/{row['id']}"


def ask(method: str, url: str, headers: dict[str, str], body: object = None) -> Any:
    """Send a request; the JSON of its answer."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()

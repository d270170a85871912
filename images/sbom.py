"""What is in an image, from its lock, as CycloneDX: `python images/sbom.py NAME --version V --base IMAGE`."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def bill(name: str, version: str, base: str, lock: str) -> dict[str, Any]:
    """The document: the same for the same lock, without a time."""
    image = {"type": "container", "bom-ref": name, "name": name, "version": version}
    bottom = {"type": "container", "bom-ref": "base", "name": base}
    licences = [{"license": {"id": "Apache-2.0"}}]
    packages = [
        component(*found)
        for found in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)(.*(?:\n +--hash.*)*)", lock, re.M)
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**image, "licenses": licences}},
        "components": [bottom, *packages],
        "dependencies": [{"ref": name, "dependsOn": ["base", *(row["bom-ref"] for row in packages)]}],
    }


def component(name: str, version: str, rest: str) -> dict[str, Any]:
    """One package; any of its files may have been installed, so all of their hashes are named."""
    reference = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    hashes = [{"alg": "SHA-256", "content": value} for value in re.findall(r"--hash=sha256:(\w+)", rest)]
    files = [{"type": "distribution", "url": reference, "hashes": [value]} for value in hashes]
    return {
        "type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference,
        "externalReferences": files,
    }  # fmt: skip


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--version", required=True)
    parser.add_argument("--base", required=True)
    given = parser.parse_args()
    lock = (HERE / given.name / "requirements.lock").read_text(encoding="utf-8")
    print(json.dumps(bill(given.name, given.version, given.base, lock), indent=1))


if __name__ == "__main__":
    main()

"""Models of Hugging Face by `hf://owner/name@revision`; the revision is a commit, for a branch moves."""

import os
import re
from urllib.parse import urlsplit

from ernie_core.catalogue import address
from ernie_core.catalogue.entries import Entry, File
from ernie_core.errors import BadInput
from ernie_core.wording import shorten

SCHEME = "hf://"
ENDPOINT = "https://huggingface.co"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model_state.pdparams")
"""In the order in which they are preferred: a repository may have several forms of the same weights."""
_CONFIGS = ("config.json", "model_config.json")
_TEXT = ("vocab.txt", "sentencepiece.bpe.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
ONE_OF = (_CONFIGS, _WEIGHTS)
"""Of each of these groups the first file that a repository has is taken, and it must have one."""
REMEDY = {
    _CONFIGS: "check owner, name and commit",
    _WEIGHTS: "weights that are in several files, with an index, are read from a folder alone",
}
"""What to do where it has none."""


def entry(name: str) -> Entry:
    """The files that a repository may have. BadInput for another form of name, or a revision that is no commit."""
    whole = re.fullmatch(rf"hf://({_NAME})/({_NAME})(?:@(.*))?", name)
    if not whole:
        raise BadInput(f"`{shorten(name)}` is no address of a model there: write `hf://owner/name@commit`")
    owner, repository, revision = whole.groups()
    if not re.fullmatch(r"[0-9a-f]{40}", revision or ""):
        said = (
            f"`{shorten(revision)}` may mean other files tomorrow" if revision else "without a revision it may change"
        )
        raise BadInput(f"`{shorten(name)}`: {said}: name the commit, `hf://{owner}/{repository}@` and 40 hex digits, "
                       "from the page \"Files and versions\" of the repository")  # fmt: skip
    base = f"{endpoint()}/{owner}/{repository}/resolve/{revision}"
    files = tuple(File(file, f"{base}/{file}", optional=True) for file in (*_CONFIGS, *_WEIGHTS, *_TEXT))
    return Entry(f"{owner}/{repository}/{revision}", "huggingface", files)


def endpoint() -> str:
    """Where repositories are: `$HF_ENDPOINT`, as for the tools of Hugging Face, or its own host. BadInput if that is no
    address of HTTP."""
    value = (os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
    try:
        address.split(value)
    except BadInput as error:
        raise BadInput(f"$HF_ENDPOINT {error}, `https://host`") from error
    return value


def token(url: str) -> str:
    """The credential for an address: `$HF_TOKEN`, for the host of repositories alone, and never unencrypted."""
    if not (secret := os.environ.get("HF_TOKEN", "").strip()):
        return ""
    place, home = urlsplit(url), urlsplit(endpoint())
    if place.scheme != "https" or (place.hostname, place.port) != (home.hostname, home.port):
        return ""
    return secret

"""The reference page of the catalogue: every name, with shape, licence, files and what is known of their content."""

from ernie_core.catalogue import entries
from ernie_core.catalogue.entries import Entry
from jobs import reference


def page() -> str:
    """In Markdown."""
    models = [entries.find(name, "models") for name in entries.names("models")]
    data = [entries.find(name, "datasets") for name in entries.names("datasets")]
    return "\n".join(
        [
            "# Published models and data\n",
            "Names of the step [`pretrained`](components.md#pretrained) and of `name` of the step "
            "[`dataset`](components.md#dataset). [Models by name](../models.md) shows how.\n",
            "## Models\n",
            reference.table(
                ("name", "type", "shape", "words", "positions", "token types", "licence", "Hugging Face"),
                *map(_model, models),
            ),
            "## Data sets\n",
            "The digest is the publisher's; of an archive also those of its files are checked.\n",
            reference.table(("name", "format", "files", "digest", "licence"), *map(_data, data)),
        ]
    )


def _model(entry: Entry) -> tuple[str, ...]:
    config = entry.facts["config"]
    shape = f"{config['num_hidden_layers']}L{config['hidden_size']}H{config['num_attention_heads']}A"
    return (
        f"`{entry.name}`", config["model_type"], shape, f"{config['vocab_size']:,}",
        str(config["max_position_embeddings"]), str(config.get("type_vocab_size", 0)), entry.licence,
        ", ".join(f"`{name}`" for name in entry.facts.get("huggingface", ())),
    )  # fmt: skip


def _data(entry: Entry) -> tuple[str, ...]:
    files = ", ".join(f"`{file.name}`" for file in entry.files)
    known = "MD5" if all(file.md5 for file in entry.files) else ""
    return f"`{entry.name}`", f"`{entry.facts['format']}`", files, known, entry.licence or "not stated"

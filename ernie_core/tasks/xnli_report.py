"""The published table of XNLI: test accuracy of each language, for both modes, beside which ours is shown."""

from collections.abc import Mapping, Sequence

ORDER = ("en", "fr", "es", "de", "el", "bg", "ru", "tr", "ar", "vi", "th", "zh", "hi", "sw", "ur")
"""The columns of the published table; not the order in which its script reads the languages."""
DATASET = "xnli"
_TRANSFER = (
    ("ERNIE-M base", (85.5, 80.1, 81.2, 79.2, 79.1, 80.4, 78.1, 76.8, 76.3, 78.3, 75.8, 77.4, 72.9, 69.5, 68.8, 77.3)),
    ("XLM", (85.0, 78.7, 78.9, 77.8, 76.6, 77.4, 75.3, 72.5, 73.1, 76.1, 73.2, 76.5, 69.6, 68.4, 67.3, 75.1)),
    ("Unicoder", (85.1, 79.0, 79.4, 77.8, 77.2, 77.2, 76.3, 72.8, 73.5, 76.4, 73.6, 76.2, 69.4, 69.7, 66.7, 75.4)),
    ("XLM-R", (85.8, 79.7, 80.7, 78.7, 77.5, 79.6, 78.1, 74.2, 73.8, 76.5, 74.6, 76.7, 72.4, 66.5, 68.3, 76.2)),
    ("INFOXLM", (86.4, 80.6, 80.8, 78.9, 77.8, 78.9, 77.6, 75.6, 74.0, 77.0, 73.7, 76.7, 72.0, 66.4, 67.1, 76.2)),
    ("ERNIE-M large", (89.3, 85.1, 85.7, 84.4, 83.7, 84.5, 82.0, 81.2, 81.2, 81.9, 79.2, 81.0, 78.6, 76.2, 75.4, 82.0)),
    ("XLM-R large", (89.1, 84.1, 85.1, 83.9, 82.9, 84.0, 81.2, 79.6, 79.8, 80.8, 78.1, 80.2, 76.9, 73.9, 73.8, 80.9)),
    ("INFOXLM large", (89.7, 84.5, 85.5, 84.1, 83.4, 84.2, 81.3, 80.9, 80.4, 80.8, 78.9, 80.9, 77.9, 74.8, 73.7, 81.4)),
    ("VECO large", (88.2, 79.2, 83.1, 82.9, 81.2, 84.2, 82.8, 76.2, 80.3, 74.3, 77.0, 78.4, 71.3, 80.4, 79.1, 79.9)),
)
_TRANSLATE = (
    ("ERNIE-M base", (86.2, 82.5, 83.8, 82.6, 82.4, 83.4, 80.2, 80.6, 80.5, 81.1, 79.2, 80.5, 77.7, 75.0, 73.3, 80.6)),
    ("XLM", (85.0, 80.8, 81.3, 80.3, 79.1, 80.9, 78.3, 75.6, 77.6, 78.5, 76.0, 79.5, 72.9, 72.8, 68.5, 77.8)),
    ("Unicoder", (85.6, 81.1, 82.3, 80.9, 79.5, 81.4, 79.7, 76.8, 78.2, 77.9, 77.1, 80.5, 73.4, 73.8, 69.6, 78.5)),
    ("XLM-R", (85.4, 81.4, 82.2, 80.3, 80.4, 81.3, 79.7, 78.6, 77.3, 79.7, 77.9, 80.2, 76.1, 73.1, 73.0, 79.1)),
    ("INFOXLM", (86.1, 82.0, 82.8, 81.8, 80.9, 82.0, 80.2, 79.0, 78.8, 80.5, 78.3, 80.5, 77.4, 73.0, 71.6, 79.7)),
    ("ERNIE-M large", (89.5, 86.5, 86.9, 86.1, 86.0, 86.8, 84.1, 83.8, 84.1, 84.5, 82.1, 83.5, 81.1, 79.4, 77.9, 84.2)),
    ("XLM-R large", (89.1, 85.1, 86.6, 85.7, 85.3, 85.9, 83.5, 83.2, 83.1, 83.7, 81.5, 83.7, 81.6, 78.0, 78.1, 83.6)),
    ("VECO large", (88.9, 82.4, 86.0, 84.7, 85.3, 86.2, 85.8, 80.1, 83.0, 77.2, 80.9, 82.8, 75.3, 83.1, 83.0, 83.0)),
)
PUBLISHED: Mapping[str, Sequence[tuple[str, Sequence[float]]]] = {
    "cross-lingual-transfer": _TRANSFER,
    "translate-train-all": _TRANSLATE,
}
"""By the mode of the data: models with their accuracy on test in percent, in the order of `ORDER`, and the average."""


def ordered(languages: Sequence[str]) -> list[str]:
    """Languages in the order of the published table; others behind, in their own order."""
    return sorted(languages, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def published(dataset: str, mode: object) -> list[dict[str, object]]:
    """The rows of the published table for data of this mode, as shares; none for another data set."""
    table = PUBLISHED.get(str(mode), ()) if dataset == DATASET else ()
    return [
        {
            "model": model,
            "scores": {name: round(figure / 100, 4) for name, figure in zip(ORDER, figures, strict=False)},
            "average": round(figures[-1] / 100, 4),
        }
        for model, figures in table
    ]

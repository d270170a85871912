"""What transformers compute with a folder, run by a Python that has torch: `hf_peer.py FOLDER CLASS INPUTS OUT`.

INPUTS is an `.npz` of `input_ids`, `attention_mask`, perhaps `token_type_ids`, and `texts`; OUT gets what came out.
"""

import sys

import numpy as np


def main(folder: str, name: str, inputs: str, out: str) -> None:
    import torch
    import transformers

    given = np.load(inputs)
    cls = getattr(transformers, name)
    net, report = cls.from_pretrained(folder, output_loading_info=True)
    net.eval()
    batch = {key: torch.tensor(given[key]) for key in given.files if key != "texts"}
    with torch.no_grad():
        found = net(**batch)
    arrays = {key: value.numpy() for key, value in found.items() if hasattr(value, "numpy")}
    if len(given["texts"]):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        rows = [tokenizer(str(text))["input_ids"] for text in given["texts"]]
        arrays["rows"] = np.array([" ".join(map(str, row)) for row in rows])
    labels = [net.config.id2label[number] for number in range(len(net.config.id2label))]
    np.savez(out, missing=sorted(report["missing_keys"]), kind=type(net).__name__, labels=labels, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The tokenizer of ERNIE as Hugging Face's library `tokenizers` computes it: `tokenizer.json`.

The tokenizer of BERT there is another one: it leaves symbols (`～～`) together that ERNIE's separates.
"""

import json
from pathlib import Path
from typing import Any

from ernie_core.text.normalise import SYMBOLS_TOO
from ernie_core.text.tokenizer import CONFIG, SPECIAL_TOKENS, Tokenizer
from ernie_core.text.wordpiece.cutting import LONGEST

FILE = "tokenizer.json"


def write(tokenizer: Tokenizer, out: Path, longest: int) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`; `longest` is the most tokens that the model reads."""
    (out / FILE).write_text(json.dumps(_content(tokenizer), ensure_ascii=False), encoding="utf-8")
    said = {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": True, "model_max_length": longest,
            "model_input_names": ["input_ids", "token_type_ids", "attention_mask"], **SPECIAL_TOKENS}  # fmt: skip
    (out / CONFIG).write_text(json.dumps(said, indent=2), encoding="utf-8")


def _content(tokenizer: Tokenizer) -> dict[str, Any]:
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    special = sorted((tokenizer.ids[token], token) for token in SPECIAL_TOKENS.values())
    cls, sep = SPECIAL_TOKENS["cls_token"], SPECIAL_TOKENS["sep_token"]
    symbols = "[\\p{S}" + "".join(sorted(SYMBOLS_TOO)) + "]"
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": number, "content": token, **plain} for number, token in special],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "BertPreTokenizer"},
                {"type": "Split", "pattern": {"Regex": symbols}, "behavior": "Isolated", "invert": False},
            ],
        },
        "post_processor": {
            "type": "BertProcessing", "sep": [sep, tokenizer.ids[sep]], "cls": [cls, tokenizer.ids[cls]],
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece", "unk_token": SPECIAL_TOKENS["unk_token"], "continuing_subword_prefix": "##",
            "max_input_chars_per_word": LONGEST, "vocab": tokenizer.ids,
        },
    }  # fmt: skip

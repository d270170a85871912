"""jieba's word segmentation, compiled, with custom words."""

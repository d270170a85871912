"""Vocabularies: counting words, building, and adopting existing ones."""

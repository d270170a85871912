"""Vocabularies of SentencePiece, as ERNIE-M has one: many languages, no knowledge of their words."""

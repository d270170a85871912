"""Vocabularies of WordPiece, as ERNIE 1.0 to 3.0 have them."""

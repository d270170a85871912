"""Serving: a predictor over an exported model, packages, and the index by which they are found."""

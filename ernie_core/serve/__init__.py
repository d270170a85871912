"""Serving: a predictor over an exported model, packages, and their index."""

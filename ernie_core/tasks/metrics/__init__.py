"""Scores of tasks, from the outputs of a model."""

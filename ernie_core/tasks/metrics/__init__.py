"""Scores of tasks, from what a model gives."""

"""Checkpoints: their content, how they are written and committed, and the state of a training."""

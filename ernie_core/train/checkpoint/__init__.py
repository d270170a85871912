"""Checkpoints: what is in them, how they are written and committed, what there is of a training."""

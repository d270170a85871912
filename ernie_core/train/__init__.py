"""Training: optimiser, checkpoints, the pretraining loop."""

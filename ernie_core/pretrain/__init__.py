"""Pretraining: its settings, losses and costs, and the run from data to model."""

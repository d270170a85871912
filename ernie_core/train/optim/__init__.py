"""Optimisers: AdamW on the host and on devices, learning rates, precision."""

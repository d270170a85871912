"""Understand a spec, plan it, hand it to a place that runs it."""

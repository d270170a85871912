"""Launchers: a step as a gang of pods, or as shards, driven from a small pod of its own."""

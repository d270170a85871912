"""Monitoring of a training: log lines, figures, event files, metrics, the report."""

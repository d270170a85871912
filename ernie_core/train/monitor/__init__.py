"""What a training tells: log lines, figures, event files, metrics, the report."""

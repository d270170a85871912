"""Published and common forms of labelled data, one module per family."""

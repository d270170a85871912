"""Files of labelled examples, one module per format."""

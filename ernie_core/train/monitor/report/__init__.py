"""The report of a training, a page of HTML."""

"""Tasks: labelled data -> features -> a fine-tuned model -> metrics."""

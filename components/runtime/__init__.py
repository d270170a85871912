"""What the process of a step does around the step."""

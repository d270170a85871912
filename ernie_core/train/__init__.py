"""Training: start, steps and end, the same whatever is trained; what they need is in the packages below."""

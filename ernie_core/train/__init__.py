"""Training: start, steps and end, the same for every objective; the packages below have the parts."""

"""The compiled part of training, and flat views of tensors."""

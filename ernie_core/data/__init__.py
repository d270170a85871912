"""Token ids -> samples: reading, split, order, mixing, masking."""

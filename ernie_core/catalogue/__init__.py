"""Published models and data sets by name: what they are, where their files are, and how these are brought."""

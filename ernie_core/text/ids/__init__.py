"""Token ids of text or words, and their files."""

"""What is to be done: the steps of a job with their fingerprints, the files they read, and what is there of them."""

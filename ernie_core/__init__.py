"""The science: files and arrays in, files and arrays out; usable from a notebook."""

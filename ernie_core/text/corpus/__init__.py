"""Raw text: its formats, its documents, rejected lines; the corpora of a package."""

"""Raw text to token ids: sentences, words, vocabulary, ids."""

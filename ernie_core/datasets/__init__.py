"""Labelled data as their publishers or users have them -> labelled examples as the tasks read them."""

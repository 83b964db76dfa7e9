"""Mines preference pairs from the history of local clones. Fetches nothing from anywhere."""

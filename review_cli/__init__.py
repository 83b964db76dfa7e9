"""The `themis` command: thin, over review_core."""

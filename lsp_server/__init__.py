"""`themis-lsp`: the verdicts of review_core in an editor, over the Language Server Protocol."""

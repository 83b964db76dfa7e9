"""The commands of `themis-train`, a module a stage: argument handling only."""

"""Shows a Report: one module a format. The terminal's renderer is part of the `themis` command."""

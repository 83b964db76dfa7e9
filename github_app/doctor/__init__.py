"""Whether the app could work: each thing it needs, looked at once; the remedy where it fails."""

"""Measures reward models on preference pairs and lists of responses, beside what knows nothing."""

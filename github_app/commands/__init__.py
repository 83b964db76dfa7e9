"""A module for each thing that `themis-github-app` does; they import what is heavy when called."""

"""The GitHub App: pull requests in, reviews out. `themis-github-app` starts it."""

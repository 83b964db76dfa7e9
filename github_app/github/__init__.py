"""GitHub as the app sees it: values, what can be asked of it, and a client that asks."""

"""Turns a trained checkpoint into a bundle. Needs torch; the runtime never imports it."""

"""Scores code changes with local reward models: a change in, a Report out.

Knows no editor, no GitHub and no torch.
"""

__version__ = "0.1.0"

"""Where a change comes from: git, a unified patch, two files or folders. Each becomes a Change.

Sources read and never write, and run nothing that a repository brings along. What is not reviewed
is listed with its reason.
"""

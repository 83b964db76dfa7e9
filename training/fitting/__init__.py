"""The trainer: one plain loop (loop.py) over batches of preference pairs, and one idea a file
around it.
"""

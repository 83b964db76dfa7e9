"""From a review to what stands at GitHub: pure plans of what is missing, one module that writes.

State lives at GitHub: every comment of ours begins with a hidden mark, and each run compares what
is there with what should be. A run that was killed is simply done again.
"""

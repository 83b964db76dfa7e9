"""Trains the reward models that review_core runs: students, objectives, fitting, calibration."""

"""Trains the reward models that review_core runs: records, students, objectives, features, fitting, honest evaluation."""

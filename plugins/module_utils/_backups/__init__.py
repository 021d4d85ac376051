"""Artifacts, backup sets, their catalogue and verdicts. Knows nothing of how a set is loaded."""

"""Making backup sets."""

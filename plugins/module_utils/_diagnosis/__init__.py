"""Diagnosis on demand: what errors there are, what is broken first, and what mends it safely."""

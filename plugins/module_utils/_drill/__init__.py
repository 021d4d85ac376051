"""Drills: a recovery up to the promotion in a scratch place, proven, measured, recorded and thrown away."""

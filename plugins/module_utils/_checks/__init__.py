"""The registry of checks: one small function a check, one file a subject, and what runs and judges them."""

"""Staging, proving, promoting, rolling back; the journal and the record. Knows nothing of Ansible."""

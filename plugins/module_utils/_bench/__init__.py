"""The layout of a bench: its sites, apps, configuration and services. Knows nothing of databases."""

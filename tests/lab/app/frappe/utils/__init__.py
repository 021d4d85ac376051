"""Entry points of the processes of a bench."""

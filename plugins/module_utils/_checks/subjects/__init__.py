"""The checks, one file a part of a subject; catalogue.py names them all."""

"""The files of a database's tables: copied out of a server, described, imported into another."""

"""The keys of RQ in Redis, read only. Knows nothing of the data of a site."""

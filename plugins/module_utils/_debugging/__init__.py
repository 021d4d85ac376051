"""Debug mode of sites for a bounded time: logging, monitor and the slow log on, and back by itself."""

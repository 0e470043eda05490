"""HTTP and the command line: the only place that knows FastAPI."""

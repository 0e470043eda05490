"""The private PostgreSQL of a data folder: make, start, stop, back up."""

"""Search over HTTP: one question over everything that has a name, a number or a place."""

"""One resource a file; a body names what happens and nothing more."""

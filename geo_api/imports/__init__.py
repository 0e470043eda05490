"""Import of files into the database."""

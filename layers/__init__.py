"""Storage: what is stored, read and written; imports none of the other packages."""

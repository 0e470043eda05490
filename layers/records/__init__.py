"""Reading and writing of stored rows, one module a subject."""

"""What is stored and how it is read and written; imports none of the other packages."""

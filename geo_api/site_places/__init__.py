"""Sites without place over HTTP: the list with proposals, and the places that they get."""

"""Change sets and balance of grids over HTTP."""

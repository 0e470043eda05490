"""Order, cleaning and row layout of vehicle fixes."""

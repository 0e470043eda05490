"""Detection of stays in vehicle fixes."""

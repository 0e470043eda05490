"""Codes and written values: coordinate systems, area codes, credit codes, numbers and days as people write them."""

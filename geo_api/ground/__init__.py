"""Base maps that the page offers."""

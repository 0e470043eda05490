"""Assignment of a place and a matter to areas and competent bodies."""

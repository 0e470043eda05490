"""Areas: their history, the point index, the communities and hexagonal cells."""

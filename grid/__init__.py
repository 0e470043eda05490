"""Areas, zones, who is responsible, cases."""

"""Geofence violations: entering, leaving, overstaying."""

"""Sharing with other systems: signed webhooks."""

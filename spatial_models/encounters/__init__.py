"""Encounters: two vehicles near each other for some time."""

"""Readers and checks of files that come from outside."""

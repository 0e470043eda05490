"""Runs of the models over HTTP."""

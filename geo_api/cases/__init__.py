"""Alerts, hot spots and cases over HTTP."""

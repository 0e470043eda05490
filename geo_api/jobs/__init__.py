"""Scheduled jobs and the analysis."""

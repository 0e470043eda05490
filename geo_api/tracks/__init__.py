"""Ingestion of vehicle fixes over HTTP."""

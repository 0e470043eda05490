"""Shared parts of the routes: settings, errors, schemas, parameters, logs."""

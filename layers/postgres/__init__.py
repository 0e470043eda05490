"""Connections, transactions with a scope, COPY, and notices of committed changes."""

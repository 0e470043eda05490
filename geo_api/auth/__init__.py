"""Accounts, sessions, API keys, OpenID Connect and the access log."""

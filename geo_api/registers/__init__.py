"""Registers of bodies, officers and matters over HTTP, and their files."""

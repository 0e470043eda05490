"""Registers of bodies, officers, matters, grid workers and households over HTTP, and their files."""

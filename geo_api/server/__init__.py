"""The application, its middleware and the server process."""

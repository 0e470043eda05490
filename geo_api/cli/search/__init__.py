"""The search on the command line: ``wangge find``."""

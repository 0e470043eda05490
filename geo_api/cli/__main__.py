"""``python -m geo_api.cli`` runs the same command line as ``wangge``."""

from geo_api.cli.main import main

main()

"""Commands of those who run an installation: ``wangge init`` and ``wangge upgrade``."""

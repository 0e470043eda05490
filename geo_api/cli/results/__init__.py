"""Commands that run the models and tell what they found: ``analyse``, ``models``, ``alerts``, ``runs``."""

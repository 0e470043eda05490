"""Drills: faults under load, a soak and a backup under load, with what was acknowledged against what is
stored.
"""

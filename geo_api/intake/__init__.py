"""Intake over HTTP: names of places, clues of clerks and systems, reports of the public."""

"""Models over arrays and frames: stays, visits, fences, encounters, suspicion, hot spots.

A model takes a frame and returns a frame. It uses no database, no HTTP and no files; only ``out_of_core``
reads and writes Parquet files that are larger than memory. The neighbourhood, the current time and the random
generator are arguments. Names carry units. Coordinates are WGS 84 longitude and latitude in degrees, times
are UTC. A score is a clue (线索), never proof.
"""

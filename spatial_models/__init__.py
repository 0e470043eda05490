"""Models over arrays and frames, one room a model: stays, visits, fences, encounters, suspicion, hot spots.

Frame in, frame out: no database, no HTTP, no files (only ``out_of_core`` streams Parquet that is larger than memory).
Neighbourhood, clock and random generator are arguments; units stand in names; coordinates are WGS 84 longitude and
latitude in degrees, times are UTC. A score is a clue (线索), never proof.
"""

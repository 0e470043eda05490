"""Suspicion of resumed work at closed sites, from meters and visits."""

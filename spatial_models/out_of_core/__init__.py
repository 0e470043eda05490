"""Stays of data larger than memory: streamed, partitioned, on a cluster."""

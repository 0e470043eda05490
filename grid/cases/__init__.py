"""Cases: lifecycle, transitions, hash chain and indicators."""

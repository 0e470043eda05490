"""Sources on a schedule: fetched, checked by their contract, imported or held, with the health of each."""

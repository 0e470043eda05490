"""Collections of features: catalog, filters, pages, edits and tiles."""

"""Writers of features as files."""

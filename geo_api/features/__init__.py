"""OGC API Features and Tiles over the catalog, exports, and the stream of changes."""

"""Change sets: edits of the partition from draft to undo."""

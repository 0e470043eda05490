"""Files of the second city: as offices write them, and in the documented format."""

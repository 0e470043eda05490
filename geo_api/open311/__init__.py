"""Open311 GeoReport v2: services are matters, requests are clues."""

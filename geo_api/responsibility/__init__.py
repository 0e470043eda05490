"""Assignment and the duty list over HTTP."""

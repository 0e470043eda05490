"""Commands about who is responsible: registers, and duty lists as they are proposed."""

"""Policy and verdict."""

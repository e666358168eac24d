"""The result model and the store."""

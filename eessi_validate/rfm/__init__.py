"""The only room that knows ReFrame's flags, config keys and report schema."""

"""Execute a plan: ReFrame in fresh directories, every result kept as it arrives."""

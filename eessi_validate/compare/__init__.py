"""What changed between two sets of results: transitions, statistics, interleaved runs."""

"""Files that the tools around EESSI's build bot read."""

"""The instruction set: no code needs more than its CPU target has."""

"""Versions: of the software, by its programs and records, against that of its module."""

"""All tarballs of one change, decided together."""

"""Signed verdicts: an in-toto statement bound to a tarball's digest, and its verification."""

"""A tarball laid over a base stack, so that what is tested is what ships."""

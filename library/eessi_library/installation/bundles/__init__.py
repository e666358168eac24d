"""Bundles of Python, R and Perl: everything that they hold can be imported."""

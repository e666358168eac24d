"""WHERE AND HOW: generic EESSI implementations of the library tests."""

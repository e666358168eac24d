"""Text files: wrappers, packages of CMake, ``.la`` and ``.pc`` files that name other places."""

"""Extensions: those that a module names are installed, in the version that it names."""

"""Shows whether a test can fail: runs it on sound software and on mutants of that software."""

"""Data: ReFrame configurations, gate policies and the tables of CPU targets, scales, toolchains."""

"""WHAT: abstract ReFrame tests and pure output parsers, reusable by anyone with ReFrame."""

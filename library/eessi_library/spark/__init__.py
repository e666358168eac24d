"""Spark: shuffle, aggregation, join and SQL on numbers whose sums have closed forms."""

from eessi_library.spark.pipeline import Pipeline

__all__ = ['Pipeline']

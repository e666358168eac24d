"""Staging buckets: tarballs that come from an object store, and a watcher that gates them."""

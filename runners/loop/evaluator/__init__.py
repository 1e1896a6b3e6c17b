"""Metrics, and the evaluators that gather them."""

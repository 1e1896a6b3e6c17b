"""Optimizer wrappers and what builds them."""

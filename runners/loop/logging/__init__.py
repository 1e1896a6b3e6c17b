"""Loggers, histories of logged values, and the hub that keeps them."""

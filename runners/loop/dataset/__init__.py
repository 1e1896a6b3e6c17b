"""Datasets, samplers and collate functions."""

"""Schedulers of learning rate, momentum and any other value of a parameter group."""

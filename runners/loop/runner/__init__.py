"""The runner, its loops, and what they need to build and resume."""

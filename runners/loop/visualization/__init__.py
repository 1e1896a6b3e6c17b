"""The visualizer and the places it writes to."""

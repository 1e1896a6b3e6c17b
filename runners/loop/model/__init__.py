"""Models, their data preprocessors, averaged copies and wrappers."""

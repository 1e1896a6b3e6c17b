"""The shared core: configs of both dialects, schedules, registries and hooks. Imports no torch."""

if __name__ != "mmbridge.compat":
    raise ImportError("'compat' is a folder of mmbridge, not a package of its own: import mmbridge.compat.")

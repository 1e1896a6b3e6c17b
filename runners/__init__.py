"""The two runtimes, legacy and loop-based, over one hook and registry core. Needs torch."""

if __name__ != "mmbridge.runners":
    raise ImportError("'runners' is a folder of mmbridge, not a package of its own: import mmbridge.runners.")

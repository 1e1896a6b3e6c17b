"""Old config to new config, with proof. Converting imports neither torch nor the runtimes."""

if __name__ != "mmbridge.migrate":
    raise ImportError("'migrate' is a folder of mmbridge, not a package of its own: import mmbridge.migrate.")

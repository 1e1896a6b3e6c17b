"""The two runtimes, legacy and loop-based, over one hook and registry core. Needs torch."""

from mmbridge.compat.garbage import no_garbage

if __name__ != "mmbridge.runners":
    raise ImportError("'runners' is a folder of mmbridge, not a package of its own: import mmbridge.runners.")

with no_garbage():  # a tenth of the time that this import takes, the longest part of starting a run
    import torch as torch

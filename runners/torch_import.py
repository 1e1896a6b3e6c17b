"""Importing this imports torch in a tenth less time, for the packages with which a run begins.

Importing torch is the longest part of starting a run by far.
"""

from mmbridge.compat.garbage import no_garbage

with no_garbage():
    import torch as torch

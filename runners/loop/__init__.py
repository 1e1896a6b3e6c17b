"""The runtime of MMEngine 0.10.7: runs made of loops. A module of MMEngine has its namesake here."""

"""The hooks of the loop runtime."""

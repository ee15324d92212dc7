"""Individual pieces and their status, from planning to the building."""

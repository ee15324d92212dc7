"""Individual pieces: their way from the drawing to the building."""

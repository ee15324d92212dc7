"""What the processes measure about themselves: durations, and traces and errors for systems that collect them."""

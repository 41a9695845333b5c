"""What brings a platform up and takes it down; nothing else creates or destroys."""

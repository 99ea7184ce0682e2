"""What the world reaches: the port, what holds for every request, and the notifications."""

"""What happens to one picture, from the photograph to the result."""

"""Turn one picture, from the photograph, into the result."""

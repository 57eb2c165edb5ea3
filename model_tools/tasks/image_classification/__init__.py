"""Task `image-classification`: an image to the likeliest of the named classes."""

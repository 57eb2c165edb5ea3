"""Task `object-detection`: an image to the objects in it."""

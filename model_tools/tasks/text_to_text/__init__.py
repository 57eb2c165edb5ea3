"""Task `text-to-text`: an encoder–decoder that writes a text for a text."""

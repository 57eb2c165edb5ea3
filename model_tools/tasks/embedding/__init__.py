"""Task `embedding`: images, texts or numbers to vectors."""

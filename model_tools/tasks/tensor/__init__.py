"""Task `tensor`: numbers to numbers."""

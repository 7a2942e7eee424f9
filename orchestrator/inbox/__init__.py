"""What customers find on the company's own page or in its app: kept, read, and followed as it changes."""

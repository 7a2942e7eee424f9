"""What concerns a person rather than an order: consent, merging, erasing, showing what is kept."""

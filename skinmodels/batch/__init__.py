"""Any number of pictures through any models."""

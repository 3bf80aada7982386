"""What is measured on pictures kept out of training."""

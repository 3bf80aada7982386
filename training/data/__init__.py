"""The public data sets: files, labels, lesions, splits."""
